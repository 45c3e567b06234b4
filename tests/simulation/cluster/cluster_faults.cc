// Faults of a cluster: each kind is on or off for a whole run.
#include <algorithm>
#include <utility>

#include "tests/simulation/cluster/cluster.h"

namespace kith::sim {
namespace {

// Somebody notices that a process is gone, and another gets its partitions.
constexpr std::int64_t kReassignedMs = 8'000;
constexpr std::int64_t kTwoOwnersMs = 10'000;

}  // namespace

void Cluster::sometimes(int most, std::int64_t until, const std::function<void()>& what) {
  if (random_.chance(0.4)) return;
  const std::int64_t count = random_.between(1, most);
  for (std::int64_t i = 0; i < count; ++i) {
    world_.at(random_.between(0, until), [this, what] {
      if (!calm_) what();
    });
  }
}

void Cluster::plan(std::int64_t until) {
  relays_.plan(until);
  peers_.plan(until);
  if (random_.chance(0.1)) return;
  sometimes(4, until, [this] { kill_one(); });
  sometimes(4, until, [this] { kills_at_batch_ = true; });
  sometimes(4, until, [this] { freeze_one(); });
  sometimes(6, until, [this] { move_one(true); });
  sometimes(6, until, [this] { move_one(false); });
  sometimes(8, until, [this] { break_one(); });
  sometimes(4, until, [this] { cut_off_one(); });
  sometimes(3, until, [this] { kill_home(); });
  sometimes(4, until, [this] {
    if (processes_.empty()) return;
    OwnerProcess& any = any_process();
    if (any.parts.empty() || any.process.frozen()) return;
    world_.trace().line("owner " + std::to_string(any.number), "loses a producer");
    any.parts[random_.below(any.parts.size())]->log().fail();
  });
}

void Cluster::kill_one() {
  if (!processes_.empty()) end(any_process().number);
}

// Some of the batch is written then.
void Cluster::batch_begins(std::uint64_t number) {
  if (!std::exchange(kills_at_batch_, false)) return;
  world_.at(world_.now() + random_.between(0, 20), [this, number] {
    if (!calm_ && process(number) != nullptr) end(number);
  });
}

void Cluster::end(std::uint64_t number) {
  kill(number);
  world_.at(world_.now() + random_.between(0, 5'000), [this] {
    if (!calm_ && processes_.size() < 3) begin_process();
  });
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    if (partitions_[i].owner == number)
      assign_later(i, number, random_.between(100, kReassignedMs));
  }
}

// The others take it for dead, or not.
void Cluster::freeze_one() {
  if (processes_.empty()) return;
  OwnerProcess& any = any_process();
  if (any.process.frozen()) return;
  world_.trace().line("owner " + std::to_string(any.number), "is stopped");
  any.process.freeze();
  world_.at(world_.now() + random_.between(500, kFrozenMs),
            [this, number = any.number] { thaw(number); });
  if (!random_.chance(0.7)) return;
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    if (partitions_[i].owner != any.number) continue;
    assign_later(i, any.number, random_.between(100, kReassignedMs));
    if (random_.chance(0.8)) {
      drop_later({any.number, partitions_[i].part}, random_.between(kFrozenMs, 2 * kFrozenMs));
    }
  }
}

void Cluster::thaw(std::uint64_t number) {
  OwnerProcess* woken = process(number);
  if (woken == nullptr || !woken->process.frozen()) return;
  world_.trace().line("owner " + std::to_string(number), "wakes");
  woken->process.thaw();
}

void Cluster::move_one(bool planned) {
  const auto partition = static_cast<std::uint32_t>(random_.below(kPartitions));
  const PartitionState& one = partitions_[partition];
  const Place from{one.owner, one.part};
  OwnerPart* owner = part(from);
  if (owner == nullptr || process(from.process)->process.frozen()) return;
  if (!planned) {
    assign(partition, other_process(from.process));
    if (random_.chance(0.8)) drop_later(from, random_.between(0, kTwoOwnersMs));
    return;
  }
  world_.trace().line("owner " + std::to_string(from.process),
                      "leaves partition " + std::to_string(partition));
  owner->leaving = true;
  const bool at_once = random_.chance(0.5);
  owner->owned().shard().leave([this, from, partition, at_once] {
    world_.at(world_.now(), [this, from, partition, at_once] {
      if (calm_) return;
      drop(from);
      if (!at_once && partitions_[partition].part == from.part) {
        if (processes_.empty()) begin_process();
        assign(partition, other_process(from.process));
      }
    });
  });
  if (at_once) assign(partition, other_process(from.process));
}

void Cluster::break_one() {
  const auto& sides = partitions_[random_.below(kPartitions)].sides;
  const auto& connection = sides[random_.below(sides.size())].connection;
  if (!connection) return;
  world_.trace().line("fault",
                      "link to partition " + std::to_string(connection->partition) + " breaks");
  cut(connection, false);
}

void Cluster::cut_off_one() {
  if (processes_.empty()) return;
  OwnerProcess& any = any_process();
  any.cut_off_until = world_.now() + random_.between(1'000, 15'000);
  world_.trace().line("owner " + std::to_string(any.number), "is cut off");
  for (const PartitionState& one : partitions_) {
    for (const PartitionState::Side& side : one.sides) {
      if (side.connection && side.connection->process == any.number) cut(side.connection, false);
    }
  }
}

// One of those that Faults does not kill.
void Cluster::kill_home() {
  const std::size_t count = world_.servers().size();
  if (count == 1) return;
  const auto number = static_cast<std::uint32_t>(1 + random_.below(count - 1));
  if (!home(number).running()) return;
  home(number).crash();
  world_.at(world_.now() + random_.between(0, 5'000), [this, number] { revive_home(number); });
}

void Cluster::revive_home(std::uint32_t number) {
  if (home(number).running() || home(number).start()) return;
  world_.at(world_.now() + 500, [this, number] { revive_home(number); });
}

void Cluster::stop() {
  calm_ = true;
  relays_.stop();
  peers_.stop();
  delays_.most_ms = std::min<std::int64_t>(delays_.most_ms, 3);
  for (PartitionState& one : partitions_) one.topic->calm = one.cells->calm = true;
  if (processes_.empty()) begin_process();
  std::vector<Place> old;
  for (const auto& each : processes_) {
    each->cut_off_until = 0;
    for (const auto& part : each->parts) {
      const bool assigned = partitions_[part->partition].part == part->number;
      if (!assigned || part->leaving) old.push_back({each->number, part->number});
    }
  }
  for (const Place& at : old) drop(at);
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    if (part({partitions_[i].owner, partitions_[i].part}) == nullptr) assign(i, any_process());
  }
  for (const auto& each : processes_) thaw(each->number);
}

}  // namespace kith::sim
