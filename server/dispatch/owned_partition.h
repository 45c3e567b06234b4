// OwnedPartition: a partition of conversations in memory, with the services that answer for it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/conversation_shard.h"
#include "server/dispatch/conversation_requests.h"
#include "server/dispatch/partition.h"
#include "src/guard.h"

namespace kith::server {

// On the loop of `scheduler` alone.
class OwnedPartition : public Partition, public PartitionOwner {
 public:
  // All outlive this.
  OwnedPartition(CommandLog& log, ConversationStore& store, const PartitionFront& front,
                 Scheduler& scheduler, const PartitionBounds& bounds);

  [[nodiscard]] ConversationShard& shard() { return shard_; }
  [[nodiscard]] const ConversationShard& shard() const { return shard_; }
  [[nodiscard]] ConversationRequests& requests() { return requests_; }

  PartitionOwner& owner() override { return *this; }
  Result<LogSpan> start() override;
  // Calls `done` when everything that the log has now is decided: an owner that was stopped and has another
  // owner behind it in the log knows that by then. Rejects if this one does not own the log.
  void catch_up(Done<void> done);
  void hold_log(bool held, Done<void> done) override;
  void probe() override { shard_.probe(); }
  [[nodiscard]] std::uint64_t apply_lag() const override { return shard_.progress().apply_lag(); }
  void add_stats(std::map<std::string, std::uint64_t>& all) const override {
    shard_.add_stats(all);
  }

  void handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) override;
  void handle(const Caller& caller, const RequestView& request, Reply&& reply) override {
    requests_.handle(caller, request, std::move(reply));
  }
  void set_secret(const std::string& secret) override { requests_.set_secret(secret); }
  void session_opened(const Caller& caller) override { requests_.events().session_opened(caller); }
  void session_closed(const Caller& caller) override { requests_.events().session_closed(caller); }
  void listens(const UserId& user, std::vector<ConversationId> groups) override {
    requests_.events().listens(user, groups);
  }
  void set_block(const UserId& by, const UserId& other, bool on, Done<void> done) override {
    requests_.blocks().set(by, other, on, std::move(done));
  }
  void forget_blocks() override { requests_.blocks().forget(); }
  void heads(const ConversationId& after, Position changed_after, std::size_t limit,
             Done<HeadsPage> done) override {
    store_.heads(after, changed_after, limit, std::move(done));
  }

  void with(const ConversationId& id, const UserId& reader,
            Done<const Conversation*> done) override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override {
    shard_.events(query, std::move(done));
  }
  void append(LogRecord record, CommandAnswer answer) override {
    shard_.append(std::move(record), std::move(answer));
  }
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override {
    shard_.mark_user(user, device, std::move(done));
  }

 private:
  void catch_up_to(Position end, const Done<void>& done);

  CommandLog& log_;
  ConversationStore& store_;
  Scheduler& scheduler_;
  ConversationShard shard_;
  ConversationRequests requests_;
  Guard guard_;
};

}  // namespace kith::server
