// The place of a message in the order of all.
#include "server/search/message_place.h"

#include <gtest/gtest.h>

#include <set>

#include "kith/server/ports/search_index.h"

namespace kith::server {
namespace {

Event event_of(const char* peer, std::uint64_t seq, std::int64_t ms) {
  Event event;
  event.conversation = ConversationId::direct(UserId::of("ann"), UserId::of(peer));
  event.seq = seq;
  event.server_ts_ms = ms;
  return event;
}

TEST(MessagePlace, TimeComesFirst) {
  const auto earlier = message_place(event_of("bob", 900'000, 1'700'000'000'000));
  const auto later = message_place(event_of("eve", 1, 1'700'000'000'001));
  EXPECT_LT(earlier, later);
  EXPECT_EQ(earlier >> index_place_bits, 1'700'000'000'000u);
}

TEST(MessagePlace, OneConversationHasNoPlaceTwice) {
  std::set<std::uint64_t> places;
  std::size_t falls = 0;
  std::uint64_t last = 0;
  for (std::uint64_t seq = 1; seq <= 100'000; ++seq) {
    const std::uint64_t place = message_place(event_of("bob", seq, 5));
    EXPECT_TRUE(places.insert(place).second) << seq;
    if (place < last) ++falls;
    last = place;
  }
  EXPECT_LE(falls, 1u) << "they ascend, but where the bits begin anew";
}

// It stands in indexes on disks, and in what clients hold while they page: it never changes.
TEST(MessagePlace, IsTheSameOnEveryMachine) {
  EXPECT_EQ(message_place(event_of("bob", 7, 1'700'000'000'000)), 1'782'579'200'000'737'775u);
}

TEST(MessagePlace, AnIndexMayHaveMovedItUpALittle) {
  const Event event = event_of("bob", 7, 1'700'000'000'000);
  const std::uint64_t place = message_place(event);
  EXPECT_TRUE(may_stand_at(event, place));
  EXPECT_TRUE(may_stand_at(event, place + index_moves_max));
  EXPECT_FALSE(may_stand_at(event, place + index_moves_max + 1));
  EXPECT_FALSE(may_stand_at(event, place - 1));
}

TEST(MessagePlace, NoClockLeavesItsBounds) {
  for (const std::int64_t ms : {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, INT64_MAX}) {
    const std::uint64_t place = message_place(event_of("bob", UINT64_MAX, ms));
    EXPECT_GT(place, 0u);
    EXPECT_LE(place + index_moves_max, std::uint64_t{INT64_MAX});
  }
}

}  // namespace
}  // namespace kith::server
