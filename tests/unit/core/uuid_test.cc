// Message ids: version 7, ascending within one generator, never twice.
#include "src/uuid.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/core/fakes.h"

namespace kith {
namespace {

using test::ManualClock;
using test::SeededRandom;

TEST(Uuid, CarriesVersionVariantAndTime) {
  ManualClock clock;
  SeededRandom random(1);
  UuidGenerator uuids(clock, random);
  const MessageId id = uuids.next();
  EXPECT_EQ(id.array()[6] >> 4, 7);
  EXPECT_EQ(id.array()[8] >> 6, 2);
  EXPECT_EQ(uuid_timestamp_ms(id), clock.wall_ms);
}

TEST(Uuid, AscendsWhateverTheClockDoes) {
  ManualClock clock;
  SeededRandom random(2);
  UuidGenerator uuids(clock, random);
  MessageId last;
  std::set<MessageId> seen;
  for (int i = 0; i < 50'000; ++i) {
    // Mostly the same millisecond, sometimes on, sometimes a day back or on.
    if (random.chance(0.01)) clock.wall_ms += 1;
    if (random.chance(0.0005)) clock.wall_ms -= 86'400'000;
    if (random.chance(0.0005)) clock.wall_ms += 86'400'000;
    const MessageId id = uuids.next();
    ASSERT_GT(id, last) << i;
    ASSERT_TRUE(seen.insert(id).second);
    ASSERT_TRUE(uuid_timestamp_ms(id));
    last = id;
  }
}

TEST(Uuid, TwoGeneratorsOfTheSameMillisecondDiffer) {
  ManualClock clock;
  SeededRandom one(3);
  SeededRandom two(4);
  UuidGenerator a(clock, one);
  UuidGenerator b(clock, two);
  std::set<MessageId> seen;
  for (int i = 0; i < 2'000; ++i) {
    EXPECT_TRUE(seen.insert(a.next()).second);
    EXPECT_TRUE(seen.insert(b.next()).second);
  }
}

TEST(Uuid, ClockBeforeTheEpochStillGivesValidIds) {
  ManualClock clock;
  clock.wall_ms = -5;
  SeededRandom random(5);
  UuidGenerator uuids(clock, random);
  EXPECT_EQ(uuid_timestamp_ms(uuids.next()), 0);
}

TEST(Uuid, OtherVersionsHaveNoTimestamp) {
  EXPECT_FALSE(
      uuid_timestamp_ms(*MessageId::parse("018bcfe568004abc8123456789abcdef")));  // version 4
  EXPECT_FALSE(
      uuid_timestamp_ms(*MessageId::parse("018bcfe568007abcc123456789abcdef")));  // variant
  EXPECT_EQ(uuid_timestamp_ms(*MessageId::parse("018bcfe568007abc8123456789abcdef")),
            1'700'000'000'000);
}

}  // namespace
}  // namespace kith
