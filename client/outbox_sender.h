// OutboxSender: sends rows, one batch of a conversation in flight at a time, and again after any doubt.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "client/connection.h"
#include "client/outbox_refusals.h"
#include "client/outbox_rows.h"
#include "client/placed_rows.h"
#include "client/row_ages.h"
#include "client/server_limits.h"
#include "src/backoff.h"
#include "src/timer.h"

namespace kith::v1 {
class SendResult;
}  // namespace kith::v1

namespace kith::client {

class OutboxSender {
 public:
  struct Parts {
    Connection& connection;
    OutboxRows& rows;
    RowAges& ages;
    OutboxRefusals& refusals;
    PlacedRows& placed;
  };
  OutboxSender(const Parts& parts, Scheduler& scheduler, Random& random);

  // Lets rows out: the device is signed in, and the server's history is the one that they speak of.
  void open(const ServerLimits& limits);
  void on_lost();
  // Sends what may go out now: one round over the conversations.
  void pump();
  // Nothing leaves for so long: the server asked for it.
  void hold_back(Millis span);
  // The rows in flight are of another history than the server's: their answers count for nothing.
  void doubt_all() { ++histories_; }
  // No row of the conversation is left.
  void on_emptied(const ConversationId& id);

 private:
  // How one conversation goes out.
  struct Sending {
    Sending(Scheduler& scheduler, Random& random, std::function<void()> again)
        : backoff(std::in_place, random), retry(scheduler, std::move(again)) {}
    std::size_t in_flight = 0;
    bool one_by_one = false;  // a whole batch was refused: find the culprit
    std::optional<Backoff> backoff;
    Timer retry;
  };

  Sending& sending(const ConversationId& id);
  bool pump(const ConversationId& id, OutboxRows::Queue& queue);
  void send_create(const ConversationId& id, OutboxRow& row);
  void send_batch(const ConversationId& id, const std::vector<OutboxRow*>& rows);
  // `history`: histories_ when they went out.
  void on_result(const ConversationId& id, const std::vector<MessageId>& sent,
                 std::uint64_t history, const v1::SendResult* result, const Error& error);
  // Returns why not all of it is done; nothing: it is.
  std::optional<Error> take(const ConversationId& id, std::size_t sent,
                            const v1::SendResult& result);
  void later(const ConversationId& id, const Error& error);

  const Parts parts_;
  Scheduler& scheduler_;
  Random& random_;
  std::map<ConversationId, Sending> sending_;
  std::size_t in_flight_ = 0;
  bool open_ = false;            // rows may go out in this session
  std::uint64_t histories_ = 0;  // how many the server has had since this object began
  ServerLimits limits_;
  Timer held_back_;
  ConversationId turn_;  // the conversation served last: others come first next time
};

}  // namespace kith::client
