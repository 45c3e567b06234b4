// Slow, failing and hanging engines of one partition.
#include "tests/simulation/partition_faults.h"

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

namespace kith::sim {
namespace {

// Less than the checkers allow for a record that was under way when a setting changed.
constexpr std::int64_t kLogStandsMs = 7'000;
constexpr std::int64_t kStoreStandsMs = 20'000;

}  // namespace

PartitionFaults::Window PartitionFaults::window(std::int64_t until, std::int64_t longest) {
  const std::int64_t from = random_.between(0, until);
  return {from, from + random_.between(1'000, longest)};
}

void PartitionFaults::plan(std::int64_t until) {
  if (random_.chance(0.2)) world_.server().logs_that_keep_all.insert(partition_);
  world_.server().tune();
  if (random_.chance(0.6)) slow_down();
  if (random_.chance(0.7)) {
    const ServerDisks& disks = world_.server().disks();
    disks.log(partition_).survives_crash = [this](std::size_t waiting) {
      return static_cast<std::size_t>(random_.below(waiting + 1));
    };
    disks.store(partition_).survives_crash = [this] { return random_.chance(0.5); };
  }
  if (random_.chance(0.5)) fail(window(until, 30'000));
  if (random_.chance(0.3)) stand_still(until);
}

void PartitionFaults::calm() {
  auto& log = world_.server().disks().log(partition_);
  log.commit_delay = nullptr;
  log.commit_fault = nullptr;
  log.survives_crash = nullptr;
  auto& store = world_.server().disks().store(partition_);
  store.apply_delay = store.read_delay = nullptr;
  store.apply_fault = nullptr;
  store.read_fault = nullptr;
  store.survives_crash = nullptr;
}

void PartitionFaults::slow_down() {
  const auto delay = [this](std::int64_t usual) {
    return [this, usual] {
      return Millis(random_.chance(0.02) ? random_.between(0, 3'000) : random_.between(0, usual));
    };
  };
  const ServerDisks& disks = world_.server().disks();
  if (random_.chance(0.7)) disks.log(partition_).commit_delay = delay(20);
  if (random_.chance(0.7)) disks.store(partition_).apply_delay = delay(500);
  if (random_.chance(0.5)) disks.store(partition_).read_delay = delay(20);
}

void PartitionFaults::fail(Window w) {
  const auto fault = [this, w](double often, ErrorCode code) {
    return [this, w, often, code]() -> std::optional<Error> {
      if (!in(w) || !random_.chance(often)) return std::nullopt;
      return make_error(code, "the simulated disk");
    };
  };
  const ServerDisks& disks = world_.server().disks();
  if (random_.chance(0.5)) disks.log(partition_).commit_fault = fault(0.3, ErrorCode::kDiskFull);
  auto& store = disks.store(partition_);
  if (random_.chance(0.5)) store.read_fault = fault(0.2, ErrorCode::kUnavailable);
  if (random_.chance(0.5)) return;
  using Fault = server::ConversationStoreMemory::ApplyFault;
  store.apply_fault = [this, w]() -> std::optional<Fault> {
    if (!in(w) || !random_.chance(0.5)) return std::nullopt;
    return Fault{make_error(ErrorCode::kTimeout, "nobody knows"), random_.chance(0.5)};
  };
}

Millis PartitionFaults::until_end_of(const Window& w) const {
  return Millis(in(w) ? w.to - world_.now() : 0);
}

// Requests to an engine that stands still are answered at the end.
void PartitionFaults::stand_still(std::int64_t until) {
  const auto hang = [this](std::function<Millis()>& delay, const Window& w) {
    delay = [this, w, usual = std::exchange(delay, nullptr)] {
      return std::max(until_end_of(w), usual ? usual() : Millis(0));
    };
  };
  const ServerDisks& disks = world_.server().disks();
  const std::uint64_t dice = random_.below(3);
  if (dice != 1) hang(disks.log(partition_).commit_delay, window(until, kLogStandsMs));
  if (dice == 0) return;
  const Window w = window(until, kStoreStandsMs);
  hang(disks.store(partition_).apply_delay, w);
  hang(disks.store(partition_).read_delay, w);
}

}  // namespace kith::sim
