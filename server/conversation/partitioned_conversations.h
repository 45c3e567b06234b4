// PartitionedConversations: all conversations of a server, which lie in several shards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "server/conversation/conversation_shard.h"
#include "server/conversation/conversations.h"
#include "server/records/partition.h"

namespace kith::server {

class PartitionedConversations : public Conversations {
 public:
  // The next partition; outlives this. All before the first call of another method.
  void add(ConversationShard& shard) { shards_.push_back(&shard); }

  [[nodiscard]] const std::vector<ConversationShard*>& shards() const { return shards_; }
  [[nodiscard]] std::uint32_t count() const { return static_cast<std::uint32_t>(shards_.size()); }
  [[nodiscard]] ConversationShard& of(const ConversationId& id) const {
    return *shards_[partition_of(id, count())];
  }

  void with(const ConversationId& id, Done<const Conversation*> done) override {
    of(id).with(id, std::move(done));
  }
  const Conversation* peek(const ConversationId& id) const override { return of(id).peek(id); }
  void events(const EventQuery& query, Done<std::vector<Event>> done) override {
    of(query.conversation).events(query, std::move(done));
  }
  void append(LogRecord record, CommandAnswer answer) override {
    ConversationShard& shard = of(record.conversation);
    shard.append(std::move(record), std::move(answer));
  }
  // Into the log of the partition that the user's id names.
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done) override {
    shards_[partition_of(user, count())]->mark_user(user, device, std::move(done));
  }

 private:
  std::vector<ConversationShard*> shards_;
};

}  // namespace kith::server
