// Connections to one owner after the other.
#include "server/dispatch/linked_partition.h"

#include <limits>

namespace kith::server {
namespace {

// More records than a feed version can count; those of all partitions together are still a number.
constexpr std::uint64_t kAnyCount = std::uint64_t{1} << 44;

}  // namespace

LinkedPartition::LinkedPartition(const PartitionFront& front)
    : front_(front),
      link_({front.marks, front.relations, front.fanout, front.stored,
             [this](std::uint64_t stored, std::uint64_t) {
               if (front_.reached) front_.reached(stored);
             }}) {}

std::optional<std::uint64_t> LinkedPartition::connect(FrontLink& host, Lane& lane,
                                                      std::uint64_t epoch) {
  if (epoch < epoch_) return std::nullopt;
  epoch_ = epoch;
  return connection_ = link_.connect(host, lane);
}

void LinkedPartition::disconnect(std::uint64_t number) {
  if (number == connection_) link_.disconnect();
}

// How many records the log has is not known here, and an owner decides again what another has marked: every count of a
// feed version may be ours.
Result<Partition::LogSpan> LinkedPartition::start() {
  front_.marks.begins(0, kAnyCount);
  return LogSpan{0, std::numeric_limits<Position>::max()};
}

void LinkedPartition::hold_log(bool /*held*/, Done<void> done) {
  done({});
}

void LinkedPartition::add_stats(std::map<std::string, std::uint64_t>& all) const {
  for (const char* name : {"messages_placed", "apply_lag", "commands_held", "journal_lag"}) {
    all.try_emplace(name, 0);
  }
}

}  // namespace kith::server
