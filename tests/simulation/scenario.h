// Scenario: a seed's whole run: people, actions, faults, and the verdict.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "tests/simulation/checker.h"
#include "tests/simulation/cluster/cluster_rules.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/store_behind.h"

namespace kith::sim {

struct RunOptions {
  std::uint64_t seed = 1;
  Rule broken = Rule::kNone;
  std::optional<std::uint32_t>
      partitions;  // of the server's conversations; unset: partitions_of(seed)
  // The store is slow, and may be that far behind. Unset: some seeds have a slow store, with few records.
  std::optional<server::LagMarks> marks;
  bool cluster = false;  // conversations are in processes of their own
  BrokenInCluster broken_in_cluster{};
  std::function<void(const std::string&)> print;  // every line of the trace; null: none
};

struct RunResult {
  std::optional<Violation> violation;
  std::deque<std::string> tail;  // of the trace
  std::uint64_t hash = 0;        // of the whole trace
  std::uint64_t steps = 0;
  std::int64_t virtual_ms = 0;
  std::optional<Waits> waits;  // of a run with a slow store
};

// Half of all seeds have one, the others 2 to 4.
std::uint32_t partitions_of(std::uint64_t seed);

RunResult run_scenario(const RunOptions& options);

}  // namespace kith::sim
