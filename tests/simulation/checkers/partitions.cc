// Invariant 34.
#include "tests/simulation/checkers/partitions.h"

namespace kith::sim {

void PartitionsChecker::logged(std::uint32_t partition, const server::LogEntry& entry) {
  if (!entry.record.conversation.empty()) is_in(partition, entry.record.conversation, "a record");
}

void PartitionsChecker::applied(std::uint32_t partition, const server::StoreBatch& batch) {
  for (const server::Head& head : batch.heads) is_in(partition, head.id, "the head");
  for (const auto& [id, member] : batch.members) is_in(partition, id, "a member");
  for (const server::EventPtr& event : batch.events) {
    is_in(partition, event->conversation, "an event");
  }
}

void PartitionsChecker::is_in(std::uint32_t partition, const ConversationId& id, const char* what) {
  const std::uint32_t home = truth_.disks.partition_of(id);
  if (home == partition) return;
  broken(34, std::string(what) + " of conversation " + brief(id) + " is in partition " +
                 std::to_string(partition) + " and belongs into " + std::to_string(home));
}

}  // namespace kith::sim
