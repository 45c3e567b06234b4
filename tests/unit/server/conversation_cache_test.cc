// Log order in, decisions out, the store behind: answers while log and store differ.
#include "server/conversation/conversation_shard.h"

#include <set>

#include "kith/core/limits.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::group_id;
using testing::message;

class ConversationCacheTest : public testing::ServiceTest {
 protected:
  using Op = decltype(LogRecord::op);
  static LogRecord record(const UserId& sender, std::uint8_t n, Op op,
                          const ConversationId& id = group_id(), std::uint32_t attempt = 0) {
    LogRecord r;
    r.conversation = id;
    r.command_id = message(n);
    r.sender = sender;
    r.attempt = attempt;
    r.rules_version = kRulesVersion;
    r.op = std::move(op);
    return r;
  }
  static CreateOp group(std::vector<UserId> others) {
    return {ConversationType::kGroup, "g", std::move(others)};
  }
  static SendOp text(const std::string& body) {
    SendOp op;
    op.body = body;
    return op;
  }
  std::shared_ptr<std::optional<Result<Outcome>>> append(ConversationShard& to, LogRecord r) {
    auto answer = std::make_shared<std::optional<Result<Outcome>>>();
    to.append(std::move(r), [answer](Result<Outcome> outcome) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      answer->emplace(std::move(outcome));
    });
    return answer;
  }
  Outcome decided(LogRecord r) {
    const auto answer = append(cache, std::move(r));
    loop.advance(Millis(1'000));  // the store gathers that long
    EXPECT_TRUE(answer->has_value() && (*answer)->ok());
    return answer->has_value() && (*answer)->ok() ? ***answer : Outcome();
  }
  // The store takes no more batches; later events are in the log and in memory only.
  void store_falls_behind() {
    disks.store->apply_delay = [] { return Millis(1'000'000); };
  }
  std::vector<Event> events(std::uint64_t from = 1, std::size_t limit = 100, bool newest = false) {
    std::vector<Event> found;
    cache.events({group_id(), from, 0, limit, newest}, [&](Result<std::vector<Event>> result) {
      ASSERT_TRUE(result.ok());
      found = *result;
    });
    loop.settle();
    return found;
  }
  std::vector<FeedChange> changed(const UserId& user, Position after, std::size_t limit = 100) {
    std::vector<FeedChange> found;
    feed.changed(user, after, limit, [&](Result<std::vector<FeedChange>> result) {
      ASSERT_TRUE(result.ok());
      found.assign(result->begin(), result->end());
    });
    loop.settle();
    return found;
  }
  std::vector<FeedChange> listed(const UserId& user, Position before, std::size_t limit) {
    std::vector<FeedChange> found;
    feed.list(user, before, limit, [&](Result<std::vector<FeedChange>> result) {
      ASSERT_TRUE(result.ok());
      found.assign(result->begin(), result->end());
    });
    loop.settle();
    return found;
  }
  Position feed_high(const UserId& user) {
    Position high = 0;
    feed.high(user, [&](Result<Position> result) { high = result.value_or(0); });
    loop.settle();
    return high;
  }
};

TEST_F(ConversationCacheTest, AnswersAreInLogOrderAndBeforeTheStoreHasAnything) {
  store_falls_behind();
  const auto made = append(cache, record(ann, 1, group({bob})));
  const auto first = append(cache, record(ann, 2, text("a")));
  const auto second = append(cache, record(bob, 3, text("b")));
  loop.settle();
  EXPECT_EQ((**made)->placed->seq, 1u);
  EXPECT_EQ((**first)->placed->seq, 2u);
  EXPECT_EQ((**second)->placed->seq, 3u);
  EXPECT_EQ(disks.store->applied, 0u);
  EXPECT_EQ(cache.progress().apply_lag(), 3u);
}

TEST_F(ConversationCacheTest, ReadsMergeWhatTheStoreDoesNotHaveYet) {
  decided(record(ann, 1, group({bob})));
  decided(record(ann, 2, text("stored")));
  ASSERT_EQ(cache.progress().apply_lag(), 0u);
  store_falls_behind();
  decided(record(ann, 3, text("in memory")));
  const auto all = events();
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all[1].body, "stored");
  EXPECT_EQ(all[2].body, "in memory");
  EXPECT_EQ(events(1, 1, true).at(0).body, "in memory");
  EXPECT_EQ(disks.store->events[group_id()].size(), 2u);
}

TEST_F(ConversationCacheTest, TheStoreFollowsAndTheLogIsTrimmed) {
  store_falls_behind();
  decided(record(ann, 1, group({bob})));
  decided(record(ann, 2, text("a")));
  EXPECT_EQ(disks.log->entries.size(), 2u);
  disks.store->apply_delay = nullptr;
  loop.advance(Millis(1'000'001));
  decided(record(ann, 3, text("b")));
  EXPECT_EQ(disks.store->applied, 3u);
  EXPECT_EQ(disks.store->heads[group_id()].last_seq, 3u);
  EXPECT_TRUE(disks.log->entries.empty());
}

TEST_F(ConversationCacheTest, AFailedBatchIsTriedAgainUntilItIsStored) {
  int failures = 3;
  disks.store->apply_fault = [&]() -> std::optional<ConversationStoreMemory::ApplyFault> {
    if (failures-- <= 0) return std::nullopt;
    // The last failure had been stored all the same.
    return ConversationStoreMemory::ApplyFault{make_error(ErrorCode::kIo, "disk"), failures == 0};
  };
  decided(record(ann, 1, group({bob})));
  decided(record(ann, 2, text("a")));
  loop.advance(Millis(10'000));
  EXPECT_EQ(disks.store->applied, 2u);
  EXPECT_EQ(disks.store->events[group_id()].size(), 2u);
}

TEST_F(ConversationCacheTest, ANewProcessDecidesTheSameFromTheLog) {
  store_falls_behind();
  decided(record(ann, 1, group({bob})));
  const Outcome first = decided(record(ann, 2, text("a")));
  ConversationStoreMemory other_store(disks.store, loop);
  ConversationShard other(log, other_store, feed, loop);
  ASSERT_TRUE(other.start().ok());
  loop.settle();
  ASSERT_NE(other.cached(group_id()), nullptr);
  EXPECT_EQ(other.cached(group_id())->head, cache.cached(group_id())->head);
  EXPECT_EQ(other.cached(group_id())->members, cache.cached(group_id())->members);
  const auto again = append(other, record(ann, 2, text("a"), group_id(), 1));
  loop.settle();
  EXPECT_TRUE((**again)->duplicate);
  EXPECT_EQ((**again)->placed->seq, first.placed->seq);
}

TEST_F(ConversationCacheTest, ARepetitionIsFoundInMemoryAndInTheStore) {
  decided(record(ann, 1, group({bob})));
  const Outcome first = decided(record(ann, 2, text("a")));
  EXPECT_TRUE(decided(record(ann, 2, text("a"), group_id(), 1)).duplicate);
  for (std::size_t n = 0; n <= limits::recent_events; ++n) {
    LogRecord filler = record(bob, 3, text("x"));
    filler.command_id = MessageId(std::array<std::uint8_t, 16>{7, static_cast<std::uint8_t>(n >> 8),
                                                               static_cast<std::uint8_t>(n)});
    decided(std::move(filler));
  }
  const Outcome again = decided(record(ann, 2, text("a"), group_id(), 1));
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.placed->seq, first.placed->seq);
}

// The log itself says so: every reader decides the same, whatever its memory holds.
TEST_F(ConversationCacheTest, AKnownFirstAttemptGoesIntoTheLogAsARepetition) {
  decided(record(ann, 1, group({bob})));
  const Outcome placed = decided(record(ann, 2, text("hi")));
  const auto under_way = append(cache, record(ann, 3, text("soon")));
  const auto again = append(cache, record(ann, 3, text("soon")));
  const auto known = append(cache, record(ann, 2, text("hi")));
  loop.settle();
  ASSERT_TRUE(*under_way && *again && *known);
  EXPECT_FALSE((**under_way)->duplicate);
  EXPECT_TRUE((**again)->duplicate);
  EXPECT_EQ((**again)->placed->seq, (**under_way)->placed->seq);
  EXPECT_EQ((**known)->placed->seq, placed.placed->seq);
  std::vector<std::uint32_t> attempts;
  for (const LogEntry& entry : disks.log->entries) attempts.push_back(entry.record.attempt);
  ASSERT_GE(attempts.size(), 3u);
  attempts.erase(attempts.begin(), attempts.end() - 3);
  EXPECT_EQ(attempts, (std::vector<std::uint32_t>{0, 1, 1}));
}

// As it was decided when it came, so it is decided for ever.
TEST_F(ConversationCacheTest, AFirstAttemptOfEarlierRulesIsStillLookedUpInMemory) {
  decided(record(ann, 1, group({bob})));
  store_falls_behind();
  for (int i = 0; i < 2; ++i) {
    LogRecord old = record(ann, 2, text("hi"));
    old.rules_version = kRulesWithDoubt - 1;
    disks.log->entries.push_back({++disks.log->last, std::move(old)});
  }
  ConversationShard other{log, store, feed, loop};
  ASSERT_TRUE(other.start().ok());
  loop.settle();
  ASSERT_NE(other.cached(group_id()), nullptr);
  EXPECT_EQ(other.cached(group_id())->head.last_seq, 2u) << "placed once";
}

TEST_F(ConversationCacheTest, AStoreErrorDuringALookupDelaysARecordAndLosesNothing) {
  decided(record(ann, 1, group({bob})));
  bool broken = true;
  disks.store->read_fault = [&]() -> std::optional<Error> {
    return broken ? std::optional(make_error(ErrorCode::kIo, "disk")) : std::nullopt;
  };
  const auto retried = append(cache, record(ann, 2, text("a"), group_id(), 1));
  const auto behind = append(cache, record(ann, 3, text("b")));
  loop.advance(Millis(500));
  EXPECT_FALSE(retried->has_value());
  EXPECT_FALSE(behind->has_value());
  EXPECT_EQ(cache.progress().decided(), 1u);  // the store must not get more
  broken = false;
  loop.advance(Millis(500));
  EXPECT_EQ((**retried)->placed->seq, 2u);
  EXPECT_EQ((**behind)->placed->seq, 3u);
}

TEST_F(ConversationCacheTest, OneMarkStandsUntilTheUserIsServedAgain) {
  decided(record(ann, 1, group({bob})));
  const Position served = feed.begin_serving(bob);
  EXPECT_TRUE(changed(bob, served).empty());
  decided(record(ann, 2, text("a")));
  decided(record(ann, 3, text("b")));
  const auto marks = changed(bob, served);
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_EQ(marks[0].ver, 2u);  // the first change; the second needs no mark of its own
  EXPECT_EQ(feed_high(bob), 2u);
}

TEST_F(ConversationCacheTest, WhoHasEverythingIsServedWithoutTheStore) {
  decided(record(ann, 1, group({bob})));
  ASSERT_EQ(feed_high(bob), 1u);
  EXPECT_TRUE(changed(bob, 1).empty());  // bob's large groups are known from here on
  int reads = 0;
  disks.feed->read_fault = [&] {
    ++reads;
    return std::optional<Error>();
  };
  EXPECT_TRUE(feed.nothing_above(bob, 1));
  EXPECT_TRUE(changed(bob, 1).empty());
  EXPECT_EQ(reads, 0);
  EXPECT_FALSE(feed.nothing_above(bob, 0));
  EXPECT_EQ(changed(bob, 0).size(), 1u);
  EXPECT_EQ(reads, 1);
  feed.begin_serving(bob);
  decided(record(ann, 2, text("a")));
  EXPECT_FALSE(feed.nothing_above(bob, 1));
  EXPECT_EQ(changed(bob, 1).size(), 1u);
}

TEST_F(ConversationCacheTest, AMarkThatComesWhileTheStoreIsAskedIsNotOverlooked) {
  decided(record(ann, 1, group({bob})));
  const Position served = feed.begin_serving(bob);
  store_falls_behind();
  disks.feed->read_delay = [] { return Millis(10'000); };
  std::optional<Position> high;
  feed.high(bob, [&](Result<Position> result) { high = result.value_or(0); });
  decided(record(ann, 2, text("a")));
  EXPECT_FALSE(feed.nothing_above(bob, 100)) << "the store has not answered";
  loop.advance(Millis(30'000));
  EXPECT_EQ(high, 2u);
  EXPECT_FALSE(feed.nothing_above(bob, served));
  EXPECT_TRUE(feed.nothing_above(bob, 2));
  disks.feed->read_delay = nullptr;
  EXPECT_EQ(changed(bob, served).size(), 1u);
}

TEST_F(ConversationCacheTest, AFailureOfTheStoreIsNotWhatIsKnown) {
  decided(record(ann, 1, group({bob})));
  disks.feed->read_fault = [] {
    return std::optional<Error>(make_error(ErrorCode::kIo, "the disk fails"));
  };
  EXPECT_EQ(feed_high(bob), 0u);
  EXPECT_FALSE(feed.nothing_above(bob, 100));
  disks.feed->read_fault = nullptr;
  EXPECT_EQ(feed_high(bob), 1u);
  EXPECT_TRUE(feed.nothing_above(bob, 1));
}

// As when one of both was restored from a copy of another day.
TEST_F(ConversationCacheTest, ALogAndAStoreOfDifferentTimesAreRefused) {
  store_falls_behind();
  decided(record(ann, 1, group({bob})));
  disks.store->applied = log.last() + 1;
  {
    ConversationStoreMemory other_store(disks.store, loop);
    ConversationShard other(log, other_store, feed, loop);
    const Status refused = other.start();
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kCacheCorrupt) << refused.error().to_string();
  }
  decided(record(ann, 2, text("a")));
  disks.store->applied = 0;  // and the log was trimmed
  ASSERT_EQ(disks.log->entries.size(), 2u);
  disks.log->entries.erase(disks.log->entries.begin());
  ConversationStoreMemory other_store(disks.store, loop);
  ConversationShard other(log, other_store, feed, loop);
  const Status refused = other.start();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kCacheCorrupt) << refused.error().to_string();
}

TEST_F(ConversationCacheTest, WhatAnEarlierProcessServedCountsAsServed) {
  store_falls_behind();
  decided(record(ann, 1, text("nowhere"), group_id(9), 1));  // looked up when it is decided again
  decided(record(ann, 2, group({bob})));
  const FeedVersion phone = feed.begin_serving(bob);
  testing::NextProcess next(disks, loop);
  disks.store->read_delay = [] { return Millis(100); };
  ASSERT_TRUE(next.start().ok());
  next.feed.begin_serving(bob);  // a tablet that knows nothing yet
  loop.advance(Millis(1'000));
  append(next.cache, record(ann, 3, text("a")));
  loop.advance(Millis(1'000));
  std::size_t marks = 0;
  next.feed.changed(bob, phone, 10, [&](Result<std::vector<FeedChange>> found) {
    marks = found ? found->size() : 0;
  });
  loop.advance(Millis(1'000));
  EXPECT_EQ(marks, 1u);
}

// The order begin_serving(), changed(), heads: a change between any two of them is in this answer
// or above its cursor.
TEST_F(ConversationCacheTest, AChangeDuringASyncIsFoundByThisOneOrTheNext) {
  decided(record(ann, 1, group({bob})));
  decided(record(ann, 2, text("a")));
  const Position cursor = feed.begin_serving(bob);
  decided(record(ann, 3, text("between mark and ids")));
  const auto now = changed(bob, 0);
  decided(record(ann, 4, text("between ids and heads")));
  ASSERT_EQ(now.size(), 1u);
  const auto next = changed(bob, cursor);
  ASSERT_EQ(next.size(), 1u);
  EXPECT_GT(next[0].ver, cursor);
}

TEST_F(ConversationCacheTest, WhatTheStoreLacksHidesNothingThatItHas) {
  constexpr std::uint8_t kCount = 60;
  for (std::uint8_t n = 0; n < kCount; ++n) decided(record(ann, n, group({bob}), group_id(n)));
  feed.begin_serving(bob);
  store_falls_behind();
  for (std::uint8_t n : {5, 6, 7}) decided(record(ann, 100, text("x"), group_id(n)));
  std::set<ConversationId> found;
  Position after = 0;
  for (auto page = changed(bob, after, 20); !page.empty(); page = changed(bob, after, 20)) {
    for (const FeedChange& entry : page) found.insert(entry.conversation);
    after = page.back().ver;
  }
  EXPECT_EQ(found.size(), kCount);
  found.clear();
  Position before = 0;  // a snapshot goes the other way
  for (auto page = listed(bob, before, 20); !page.empty(); page = listed(bob, before, 20)) {
    for (const FeedChange& entry : page) found.insert(entry.conversation);
    before = page.back().ver;
  }
  EXPECT_EQ(found.size(), kCount);
}

}  // namespace
}  // namespace kith::server
