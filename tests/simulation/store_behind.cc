// StoreBehind: slowness, and a look at the queue in front of the log after every step.
#include "tests/simulation/store_behind.h"

#include <algorithm>
#include <string>
#include <utility>

namespace kith::sim {

StoreBehind::StoreBehind(World& world, std::uint64_t seed, const server::LagMarks& marks)
    : world_(world), random_(seed, 7), marks_(marks) {
  world_.server().marks = marks;
  world_.after_each_step([this] { look(); });
}

// Mostly it follows by and by; sometimes it takes longer than a command may wait.
void StoreBehind::slow_down() {
  auto& store = world_.server().store_disk();
  store.apply_delay = [this] {
    return Millis(random_.chance(0.2) ? random_.between(3'000, 12'000)
                                      : random_.between(100, 3'000));
  };
  if (random_.chance(0.5)) return;
  store.apply_fault = [this]() -> std::optional<server::ConversationStoreMemory::ApplyFault> {
    if (!random_.chance(0.3)) return std::nullopt;
    return server::ConversationStoreMemory::ApplyFault{
        make_error(ErrorCode::kIo, "the simulated disk"), random_.chance(0.5)};
  };
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
  const std::uint64_t behind = server.log_disk().last - server.store_disk().applied + in_log;
  // In one step: some wait no more, and some are on their way.
  if (same && held < held_ && in_log > in_log_) {
    waits_.let_on += std::min(held_ - held, in_log - in_log_);
  }
  // A store that forgot its position is further behind than any command may bring it.
  if (same && behind > behind_) waits_.most_behind = std::max(waits_.most_behind, behind);
  if (same && behind > behind_ && behind > marks_.max) {
    world_.findings().broken(16, "commands went on to the log with the store " +
                                     std::to_string(behind) + " records behind");
  }
  waits_.most_held = std::max(waits_.most_held, held);
  if (held > marks_.held) {
    world_.findings().broken(16, std::to_string(held) + " commands wait for the store");
  }
  held_ = held;
  in_log_ = in_log;
  behind_ = behind;
}

}  // namespace kith::sim
