// Queue: order and indices survive any mix of coming and going.
#include "benchmarks/load/queue.h"

#include <gtest/gtest.h>

#include <vector>

namespace kith::bench {
namespace {

TEST(BenchQueue, KeepsOrderThroughAnyMix) {
  Queue<int> queue;
  int next = 0;
  int gone = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < round % 7; ++i) queue.push_back(next++);
    for (int i = 0; i < round % 5 && !queue.empty(); ++i) {
      EXPECT_EQ(queue.front(), gone++);
      queue.pop_front();
    }
    ASSERT_EQ(queue.size(), static_cast<std::size_t>(next - gone));
    if (queue.empty()) continue;
    EXPECT_EQ(queue[queue.size() / 2], gone + static_cast<int>(queue.size() / 2));
    EXPECT_EQ(queue.back(), next - 1);
    EXPECT_EQ(std::vector<int>(queue.begin(), queue.end()).size(), queue.size());
  }
  EXPECT_GT(gone, 300);
}

}  // namespace
}  // namespace kith::bench
