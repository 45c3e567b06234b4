// A conversation store in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/conversation_store.h"
#include "server/adapters/embedded/memory_batches.h"

namespace kith::server {

class ConversationStoreMemory : public ConversationStore {
 public:
  using ApplyFault = MemoryFaults::ApplyFault;

  // The data that survives a crash of the process, and the faults of the device that it stands for.
  struct Disk : MemoryFaults {
    Position applied = 0;
    Tenure tenure;
    std::map<ConversationId, Head> heads;
    std::map<ConversationId, std::map<UserId, Member>> members;
    std::map<ConversationId, std::map<std::uint64_t, Event>> events;
    std::map<std::tuple<ConversationId, UserId, MessageId>, Placement> placements;
  };

  // `scheduler` outlives the store. Destroying it is a crash: no callback comes any more.
  ConversationStoreMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);

  Result<StoredUpTo> applied() override;
  void apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) override;
  void load(const ConversationId& id, Done<std::optional<Conversation>> done) override;
  Result<std::vector<Conversation>> load_all(const std::vector<ConversationId>& ids) override;
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<Placement>> done) override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void heads(const ConversationId& after, Position changed_after, std::size_t limit,
             Done<HeadsPage> done) override;

 private:
  std::shared_ptr<Disk> disk_;
  MemoryBatches<Disk, StoreBatch> batches_;
};

}  // namespace kith::server
