// StoreBehind: slowness, and a look at the queue in front of the log after every step.
#include "tests/simulation/store_behind.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kith::sim {

StoreBehind::StoreBehind(World& world, std::uint64_t seed, const server::LagMarks& marks)
    : world_(world), random_(seed, 7), marks_(marks), behind_(world.server().disks().count()) {
  world_.server().marks = marks;
  world_.after_each_step([this] { look(); });
}

// Mostly they follow by and by; sometimes it takes longer than a command may wait.
void StoreBehind::slow_down() {
  const auto delay = [this] {
    return Millis(random_.chance(0.2) ? random_.between(3'000, 12'000)
                                      : random_.between(100, 3'000));
  };
  using Fault = server::ConversationStoreMemory::ApplyFault;
  const auto fault = [this]() -> std::optional<Fault> {
    if (!random_.chance(0.3)) return std::nullopt;
    return Fault{make_error(ErrorCode::kIo, "the simulated disk"), random_.chance(0.5)};
  };
  const bool fails = random_.chance(0.5);
  for (const PartitionDisks& part : world_.server().disks().partitions()) {
    part.store->apply_delay = delay;
    if (fails) part.store->apply_fault = fault;
  }
}

Waits StoreBehind::waits() const {
  Waits all = waits_;
  all.refused = world_.overloaded();
  return all;
}

void StoreBehind::look() {
  ServerNode& server = world_.server();
  if (!server.running()) return;
  const bool same = server.starts() == std::exchange(process_, server.starts());
  const auto stats = server.core()->stats();
  const std::uint64_t held = stats.at("commands_held");
  const std::uint64_t in_log = stats.at("journal_lag");
  // In one step: some wait no more, and some are on their way.
  if (same && held < held_ && in_log > in_log_) {
    waits_.let_on += std::min(held_ - held, in_log - in_log_);
  }
  waits_.most_behind = std::max(waits_.most_behind, look_at_stores(same));
  waits_.most_held = std::max(waits_.most_held, held);
  if (held > marks_.held) {
    world_.findings().broken(16, std::to_string(held) + " commands wait for the store");
  }
  held_ = held;
  in_log_ = in_log;
}

// Returns how far the stores are behind that have just fallen further back, all together. A store that forgot its
// position is further behind than any command may bring it.
std::uint64_t StoreBehind::look_at_stores(bool same) {
  const ServerNode& server = world_.server();
  const std::uint32_t count = server.disks().count();
  const std::uint64_t bound = marks_.max / count;
  std::uint64_t all = 0;
  bool fell = false;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint64_t behind =
        server.disks().log(i).last - server.disks().store(i).applied + server.in_log(i);
    const std::uint64_t before = std::exchange(behind_[i], behind);
    const bool falls = same && behind > before;
    fell = fell || falls;
    if (falls || behind <= bound) all += behind;
    if (falls && behind > bound) {
      world_.findings().broken(16, "commands went on to the log with the store " +
                                       std::to_string(behind) + " records behind");
    }
  }
  return fell ? all : 0;
}

}  // namespace kith::sim
