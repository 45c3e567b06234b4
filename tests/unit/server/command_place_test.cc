// The number under which a command's place is kept.
#include "server/adapters/embedded/command_place.h"

#include <gtest/gtest.h>

#include <limits>

namespace kith::server {
namespace {

MessageId made_at(std::uint64_t ms, std::uint8_t rest = 0) {
  std::array<std::uint8_t, MessageId::kSize> id{};
  for (std::size_t i = 0; i < 6; ++i) id[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
  id[15] = rest;
  return MessageId(id);
}

TEST(CommandPlace, WhatIsNewerHasAHigherNumber) {
  const ConversationId room = ConversationId::direct(UserId::of("a"), UserId::of("b"));
  std::int64_t before = 0;
  for (std::uint64_t ms = 1'764'000'000'000; ms < 1'764'000'001'000; ++ms) {
    const std::int64_t key = place_key(room, UserId::of("a"), made_at(ms));
    EXPECT_GT(key, before);
    before = key;
  }
}

// Part of the file format: a store of an earlier release is asked with the same numbers.
TEST(CommandPlace, StaysAsItIs) {
  const ConversationId room = ConversationId::direct(UserId::of("a"), UserId::of("b"));
  EXPECT_EQ(place_key(room, UserId::of("a"), made_at(1'764'000'000'000, 7)),
            3'699'376'128'001'433'132);
  EXPECT_EQ(place_key(room, UserId::of("b"), made_at(1'764'000'000'000, 7)),
            3'699'376'128'000'299'875);
}

// Ids come from clients.
TEST(CommandPlace, AnyIdLeavesRoomForThoseBehindIt) {
  for (int last = 0; last < 256; ++last) {
    for (int other = 0; other < 256; ++other) {
      std::array<std::uint8_t, MessageId::kSize> id{};
      id.fill(0xff);
      id[14] = static_cast<std::uint8_t>(other);
      id[15] = static_cast<std::uint8_t>(last);
      const std::int64_t key = place_key(ConversationId(), UserId(), MessageId(id));
      ASSERT_GE(key, 0);
      ASSERT_LE(key, std::numeric_limits<std::int64_t>::max() - kSamePlaceMax);
    }
  }
}

}  // namespace
}  // namespace kith::server
