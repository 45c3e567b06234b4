// Outbox: what this device has promised to send.
//
// A row is durable before send() returns and leaves only when its event is in the cache, or when
// the user discards it. Rows of one conversation go out in their order, one batch in flight at a
// time; after any doubt a row is sent again under the same id, and the server recognises it. A
// refusal for good marks one row as failed; the rest goes on.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "client/connection.h"
#include "client/model.h"
#include "client/server_limits.h"
#include "src/backoff.h"

namespace kith::v1 {
class Event;
class Placed;
class SendResult;
}  // namespace kith::v1

namespace kith::client {

// Of a row that makes a group and has failed.
GroupRefused refused_group(const OutboxRow& create);

class Outbox {
 public:
  struct Hooks {
    std::function<void(const std::vector<v1::Event>&)> placed;  // the events that rows have become
    // The event that a row has become is to be fetched: only the server has all of it.
    std::function<void(const ConversationId&, std::uint64_t seq)> fetch;
  };

  Outbox(Model& model, Connection& connection, Scheduler& scheduler, Random& random, Hooks hooks);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void load(const std::vector<OutboxRow>& rows);
  // Durable when it returns without an error.
  Status add(const OutboxRow& row);
  Status resend(const MessageId& id);
  Status discard(const MessageId& id);
  // Lets rows out: the device is signed in, and the server's history is the one that they speak of.
  void open(const ServerLimits& limits);
  void on_lost();
  // Nothing leaves for so long: the server asked for it.
  void hold_back(Millis span);
  // Rows that the server has placed, but whose events could not be committed: tries again what
  // nobody would fetch any more, because it stands below what this device holds or may read; or has
  // it fetched, if the device does not know all of it.
  void settle_placed();
  // Those that are not here are added, the others take these contents and orders. Durable when it returns without an
  // error; nothing is sent by it.
  Status put(const std::vector<OutboxRow>& rows);
  // How many more are taken.
  [[nodiscard]] std::size_t room() const;
  // The server that placed rows has another history now: they are sent again.
  void forget_places();
  // Their events are committed.
  void forget(const std::vector<MessageId>& ids);

  [[nodiscard]] bool idle() const;  // nothing is waiting for the server
  [[nodiscard]] std::vector<OutboxRow> rows(const ConversationId& id) const;
  // The newest message of the conversation that is here, or null.
  [[nodiscard]] const OutboxRow* newest(const ConversationId& id) const;
  // The message that waits here, or null.
  [[nodiscard]] const OutboxRow* message(const ConversationId& id, const MessageId& message) {
    const OutboxRow* row = find(id, message);
    return row && row->kind == OutboxKind::kMessage ? row : nullptr;
  }
  [[nodiscard]] std::vector<OutboxRow> all_rows() const;
  [[nodiscard]] bool has(const ConversationId& id) const { return queues_.count(id) > 0; }
  [[nodiscard]] std::uint64_t next_order() { return static_cast<std::uint64_t>(++last_order_); }

 private:
  struct Queue {
    explicit Queue(Random& random) : backoff(std::in_place, random) {}
    std::deque<OutboxRow> rows;
    std::size_t in_flight = 0;
    bool one_by_one = false;  // a whole batch was refused: find the culprit
    Scheduler::TimerId retry = 0;
    std::optional<Backoff> backoff;
  };

  void pump();
  bool pump(const ConversationId& id, Queue& queue);
  void send_create(const ConversationId& id, OutboxRow& row);
  void send_batch(const ConversationId& id, const std::vector<OutboxRow*>& rows);
  // `history`: histories_ when they went out.
  void on_result(const ConversationId& id, const std::vector<MessageId>& sent,
                 std::uint64_t history, const v1::SendResult* result, const Error& error);
  [[nodiscard]] Millis age(const OutboxRow& row);
  [[nodiscard]] std::optional<Millis> known_age(const OutboxRow& row);
  void date_rows();
  void place(OutboxRow& row, const v1::Placed& placed, std::vector<v1::Event>& events);
  [[nodiscard]] v1::Event event_of(const OutboxRow& row);
  static bool must_fetch(const OutboxRow& row, const v1::Event& event);
  void fail(OutboxRow& row, const Error& error);
  void refuse_group(const OutboxRow& create, const Error& error);
  Status resend_group(const ConversationId& id);
  Status discard_group(const ConversationId& id);
  void later(Queue& queue, const ConversationId& id, const Error& error);
  OutboxRow* find(const ConversationId& id, const MessageId& message);
  OutboxRow* find(const MessageId& message);

  Model& model_;
  Connection& connection_;
  Scheduler& scheduler_;
  Random& random_;
  Hooks hooks_;
  std::map<ConversationId, Queue> queues_;
  std::size_t count_ = 0;
  std::size_t in_flight_ = 0;
  bool open_ = false;            // rows may go out in this session
  std::uint64_t histories_ = 0;  // how many the server has had since this object began
  std::int64_t last_order_ = 0;
  ServerLimits limits_;
  Scheduler::TimerId held_back_ = 0;
  ConversationId turn_;  // the conversation served last: others come first next time
};

}  // namespace kith::client
