// HeldEvents: order above a hole, and bounds.
#include "client/held_events.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"
#include "tests/unit/client/virtual_time.h"

namespace kith::client {
namespace {

v1::Event event(std::uint64_t seq, std::size_t bytes = 10) {
  v1::Event e;
  e.set_seq(seq);
  e.set_body(std::string(bytes, 'x'));
  return e;
}

class HeldEventsTest : public ::testing::Test {
 protected:
  std::vector<std::uint64_t> take(std::uint64_t top) {
    std::vector<std::uint64_t> seqs;
    for (const v1::Event& e : held.take(room, top).events) seqs.push_back(e.seq());
    return seqs;
  }
  VirtualScheduler scheduler;
  std::vector<ConversationId> gaps;
  HeldEvents held{scheduler, [this](const ConversationId& id) { gaps.push_back(id); }};
  const ConversationId room = ConversationId::direct(UserId::of("alice"), UserId::of("bob"));
};

TEST_F(HeldEventsTest, GoInOrderUpToTheNextHole) {
  for (const std::uint64_t seq : {7, 5, 4, 8}) held.hold(room, event(seq), false);
  EXPECT_TRUE(take(2).empty());
  EXPECT_EQ(take(3), (std::vector<std::uint64_t>{4, 5}));
  EXPECT_EQ(take(6), (std::vector<std::uint64_t>{7, 8}));
  EXPECT_EQ(held.bytes(), 0U);
}

TEST_F(HeldEventsTest, OneThatIsBelowTheTopGoesToo) {
  held.hold(room, event(4), true);
  const HeldEvents::Ready ready = held.take(room, 9);
  ASSERT_EQ(ready.events.size(), 1U);
  EXPECT_TRUE(ready.live);
}

TEST_F(HeldEventsTest, AHoleThatStaysIsReportedOnceForEachWait) {
  held.hold(room, event(5), false);
  held.hold(room, event(6), false);
  scheduler.advance(limits::gap_wait);
  EXPECT_EQ(gaps, std::vector<ConversationId>{room});
  held.hold(room, event(7), false);
  EXPECT_EQ(take(4).size(), 3U);  // filled in time
  scheduler.advance(limits::gap_wait);
  EXPECT_EQ(gaps.size(), 1U);
}

TEST_F(HeldEventsTest, AreBoundedAndStillReportTheHole) {
  const std::size_t large = limits::held_bytes_max / 4;
  for (std::uint64_t seq = 5; seq < 15; ++seq) held.hold(room, event(seq, large), false);
  EXPECT_FALSE(held.has_room(event(20, large)));
  EXPECT_LE(held.bytes(), limits::held_bytes_max);
  const auto other = ConversationId::direct(UserId::of("alice"), UserId::of("carol"));
  held.hold(other, event(5, large), false);
  EXPECT_TRUE(held.take(other, 4).events.empty());
  held.clear();
  EXPECT_EQ(held.bytes(), 0U);
  scheduler.advance(limits::gap_wait);
  EXPECT_TRUE(gaps.empty());
}

}  // namespace
}  // namespace kith::client
