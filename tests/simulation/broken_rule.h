// A rule that is broken on purpose must be found, and under its number.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <set>

namespace kith::sim {

inline constexpr std::uint64_t kSeedsToFind = 500;

// `run(seed)`: the result of a run with the broken rule. `invariants`: those under which it may show first.
template <class Run>
void expect_found(Run run, const std::set<int>& invariants) {
  for (std::uint64_t seed = 1; seed <= kSeedsToFind; ++seed) {
    const auto result = run(seed);
    if (!result.violation) continue;
    std::printf("seed %llu: invariant %d: %s\n", static_cast<unsigned long long>(seed),
                result.violation->invariant, result.violation->what.c_str());
    EXPECT_TRUE(invariants.contains(result.violation->invariant));
    return;
  }
  FAIL() << "no seed of 1.." << kSeedsToFind << " shows it";
}

}  // namespace kith::sim
