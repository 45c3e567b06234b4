// SearchFeeder: everything that the store has comes into the index, whatever happens on the way.
#include "server/search/message_place.h"
#include "tests/unit/server/search_fixture.h"

namespace kith::server::testing {
namespace {

using Texts = std::vector<std::string>;

class SearchFeederTest : public SearchTest {
 protected:
  std::uint64_t stat(const std::string& name) {
    std::map<std::string, std::uint64_t> all;
    feeder->add_stats(all);
    rebuild->add_stats(all);
    return all.at(name);
  }
  // Messages of the store that the index has under their places.
  void expect_complete() {
    std::size_t messages = 0;
    for (const auto& [id, events] : disks.store->events) {
      for (const auto& [seq, event] : events) {
        if (event.kind != EventKind::kMessage) continue;
        ++messages;
        const auto indexed = index_disk->messages.find(message_place(event));
        ASSERT_NE(indexed, index_disk->messages.end()) << "seq " << seq;
        EXPECT_EQ(indexed->second.conversation, id);
        EXPECT_EQ(indexed->second.seq, seq);
      }
    }
    EXPECT_EQ(index_disk->messages.size(), messages);
    EXPECT_EQ(index_disk->complete[0], disks.store->applied);
    EXPECT_EQ(stat("search_waiting"), 0u);
  }
};

TEST_F(SearchFeederTest, AMessageCanBeFoundTwoSecondsAfterItWasSent) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "lunch at the harbour");
  loop.advance(Millis(2'000));
  EXPECT_EQ(found(a, "harb"), (Texts{"lunch at the harbour"}));
  EXPECT_EQ(stat("search_indexed"), 1u);
  expect_complete();
}

TEST_F(SearchFeederTest, WhatTheStoreHadBeforeIsIndexedAtTheStart) {
  const Caller a = enter(ann, 1);
  for (std::uint8_t g = 1; g <= 60; ++g) {
    make_group(a, {bob}, group_id(g));
    say(a, g, "number " + std::to_string(g), group_id(g));
  }
  quiet();
  start_search();
  quiet();
  expect_complete();
  EXPECT_EQ(found(a, "\"number 37\""), (Texts{"number 37"}));
}

TEST_F(SearchFeederTest, ALongConversationComesPieceByPiece) {
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  v1::Content content;
  content.mutable_plain()->set_text("tea");
  for (int n = 0; n < 1'300; ++n) {
    v1::OutMessage item;
    std::array<std::uint8_t, 16> id{0xee, static_cast<std::uint8_t>(n),
                                    static_cast<std::uint8_t>(n >> 8)};
    item.set_message_id(MessageId(id).bytes());
    item.set_content(content.SerializeAsString());
    ASSERT_TRUE(send(a, {item}).items(0).has_placed()) << n;
  }
  quiet();
  start_search();
  quiet();
  expect_complete();
  EXPECT_EQ(index_disk->messages.size(), 1'300u);
}

TEST_F(SearchFeederTest, AfterACleanEndNothingIsReadAgain) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "tea");
  quiet();
  stop_search();
  int reads = 0;
  disks.store->read_fault = [&reads]() -> std::optional<Error> {
    ++reads;
    return std::nullopt;
  };
  start_search();
  quiet();
  EXPECT_EQ(reads, 0);
  disks.store->read_fault = nullptr;
  expect_complete();
}

// More conversations at a time than the list holds, again and again.
TEST_F(SearchFeederTest, WhatDidNotFitInTheListIsFoundInTheStore) {
  start_search(8);
  index_disk->delay = [] { return Millis(700); };
  const Caller a = enter(ann, 1);
  for (std::uint8_t round = 0; round < 3; ++round) {
    for (std::uint8_t g = 1; g <= 40; ++g) {
      if (round == 0) make_group(a, {bob}, group_id(g));
      say(a, static_cast<std::uint8_t>(round * 50 + g), "tea", group_id(g));
    }
  }
  EXPECT_LE(stat("search_waiting"), 8u + 8u);
  loop.advance(Millis(200'000));
  expect_complete();
}

TEST_F(SearchFeederTest, AFaultDelaysAndLosesNothing) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  int left = 5;
  index_disk->add_fault = [&left]() -> std::optional<Error> {
    if (left == 0) return std::nullopt;
    --left;
    return make_error(ErrorCode::kDiskFull, "full");
  };
  for (std::uint8_t n = 1; n <= 20; ++n) {
    say(a, n, "tea");
    if (n % 5 == 0) loop.advance(Millis(500));
  }
  loop.advance(Millis(120'000));
  EXPECT_EQ(left, 0);
  EXPECT_EQ(stat("search_failures"), 5u);
  expect_complete();
}

// One bad place in the store.
TEST_F(SearchFeederTest, AConversationThatCannotBeReadStopsNoOther) {
  const Caller a = enter(ann, 1);
  for (std::uint8_t g = 1; g <= 9; ++g) {
    make_group(a, {bob}, group_id(g));
    say(a, g, "tea", group_id(g));
  }
  quiet();
  // The fourth conversation that is read, again and again.
  class BadPlace : public ForwardingPartition {
   public:
    using ForwardingPartition::ForwardingPartition;
    void events(const EventQuery& query, Done<std::vector<Event>> done) override {
      if (bad && query.conversation == group_id(4)) {
        return done(make_error(ErrorCode::kCacheCorrupt, "a damaged piece"));
      }
      ForwardingPartition::events(query, std::move(done));
    }
    bool bad = true;
  } damaged(partition);
  index = std::make_unique<SearchIndexMemory>(index_disk, loop);
  rebuild.emplace(*index, loop);
  feeder.emplace(SearchFeeder::Ports{*index, damaged, loop, *rebuild}, 0U);
  ASSERT_TRUE(feeder->start(cache.progress().applied(), cache.progress().end()).ok());
  loop.advance(Millis(60'000));
  EXPECT_EQ(index_disk->messages.size(), 8u);
  EXPECT_EQ(index_disk->complete[0], 0u) << "it is not";
  EXPECT_GT(stat("search_failures"), 1u);
  damaged.bad = false;
  loop.advance(Millis(60'000));
  expect_complete();
  feeder.reset();
}

// A conversation that did not fit into a step goes on, and is in front of the list and at its end.
TEST_F(SearchFeederTest, AStepThatWasFullReadsNoConversationTwice) {
  start_search(limits::search_waiting_max,
               {.conversations = 16, .messages = 3, .messages_of_one = 2});
  index_disk->delay = [] { return Millis(700); };
  const Caller a = enter(ann, 1);
  std::uint8_t n = 0;
  for (std::uint8_t g = 1; g <= 6; ++g) make_group(a, {bob}, group_id(g));
  for (int round = 0; round < 25; ++round) {
    for (std::uint8_t g = 1; g <= 6; ++g) say(a, ++n, "tea", group_id(g));
    loop.advance(Millis(300));
  }
  loop.advance(Millis(200'000));
  EXPECT_EQ(stat("search_failures"), 0u);
  EXPECT_EQ(stat("search_rebuilds"), 0u);
  expect_complete();
  EXPECT_EQ(index_disk->messages.size(), 150u);
}

TEST_F(SearchFeederTest, AnIndexThatIsDamagedIsMadeAnewWhileTheServerRuns) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "tea");
  quiet();
  bool damaged = true;
  index_disk->add_fault = [&damaged]() -> std::optional<Error> {
    if (!std::exchange(damaged, false)) return std::nullopt;
    return make_error(ErrorCode::kCacheCorrupt, "a page");
  };
  index_disk->delay = [] { return Millis(1'000); };
  say(a, 2, "tea");
  for (int n = 0; n < 100 && stat("search_rebuilding") == 0; ++n) loop.advance(Millis(100));
  EXPECT_EQ(stat("search_rebuilding"), 1u);
  say(a, 3, "tea");
  quiet();
  EXPECT_EQ(stat("search_failures"), 1u);
  EXPECT_EQ(stat("search_rebuilds"), 1u);
  EXPECT_EQ(stat("search_rebuilding"), 0u);
  EXPECT_EQ(log, (Texts{"the search index is made anew: a page"}));
  expect_complete();
}

// Nobody writes, and so nothing but the search itself meets the damage.
TEST_F(SearchFeederTest, DamageThatASearchMeetsIsMendedToo) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "tea");
  quiet();
  index_disk->messages.clear();
  bool damaged = true;
  index_disk->read_fault = [&damaged]() -> std::optional<Error> {
    if (!std::exchange(damaged, false)) return std::nullopt;
    return make_error(ErrorCode::kCacheCorrupt, "/data/search.db");
  };
  const v1::ServerFrame refused = search(a, "tea");
  EXPECT_EQ(refused.error().code(), v1::ERROR_CODE_UNAVAILABLE);
  EXPECT_EQ(refused.error().detail().find("/data"), std::string::npos);
  quiet();
  EXPECT_EQ(found(a, "tea"), (Texts{"tea"}));
  EXPECT_EQ(stat("search_rebuilds"), 1u);
  expect_complete();
}

TEST_F(SearchFeederTest, AnIndexThatIsDamagedAgainAndAgainIsMadeAnewOnceAMinute) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  index_disk->add_fault = [] { return make_error(ErrorCode::kCacheCorrupt, "a page"); };
  say(a, 1, "tea");
  loop.advance(Millis(600'000));
  EXPECT_LE(stat("search_rebuilds"), 11u);
  EXPECT_GE(stat("search_rebuilds"), 9u);
  EXPECT_EQ(stat("search_rebuilding"), 1u);
  index_disk->add_fault = nullptr;
  loop.advance(Millis(70'000));
  expect_complete();
}

TEST_F(SearchFeederTest, AnIndexOfAnotherHistoryBeginsAnew) {
  index_disk->complete[0] = 1'000;
  index_disk->marks[group_id()] = 500;
  index_disk->messages[77] = {group_id(), 7, 77, "tea of before"};
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "tea of today");
  quiet();
  expect_complete();
  EXPECT_EQ(found(a, "tea"), (Texts{"tea of today"}));
}

// It applies them again, and nothing in them is new to it.
TEST_F(SearchFeederTest, AStoreThatForgotWhatItHasIsReadAllTheSame) {
  start_search();
  const Caller a = enter(ann, 1);
  make_group(a, {bob});
  say(a, 1, "tea");
  quiet();
  stop_search();
  const Position complete = index_disk->complete[0];
  say(a, 2, "tea");
  say(a, 3, "tea");
  quiet();
  index = std::make_unique<SearchIndexMemory>(index_disk, loop);
  rebuild.emplace(*index, loop);
  feeder.emplace(SearchFeeder::Ports{*index, partition, loop, *rebuild}, 0U);
  ASSERT_TRUE(feeder->start(complete - 1, cache.progress().end()).ok());
  StoreBatch again;
  again.position = cache.progress().decided();
  feeder->stored(again);
  quiet();
  expect_complete();
}

// Crashes at random moments, each with the newest batches taken back.
TEST_F(SearchFeederTest, NothingIsMissingAfterAnyCrash) {
  std::uint64_t state = 1;
  const auto below = [&state](std::uint64_t n) {
    state = state * 6'364'136'223'846'793'005u + 1'442'695'040'888'963'407u;
    return (state >> 33) % n;
  };
  index_disk->delay = [&] { return Millis(static_cast<std::int64_t>(below(400))); };
  index_disk->lost_at_crash = [&] { return below(4); };
  const Caller a = enter(ann, 1);
  for (std::uint8_t g = 1; g <= 10; ++g) make_group(a, {bob}, group_id(g));
  std::uint8_t n = 0;
  for (int crash = 0; crash < 40; ++crash) {
    start_search(6);
    for (int i = 0; i < 6; ++i) {
      say(a, ++n, "tea", group_id(static_cast<std::uint8_t>(1 + below(10))));
      loop.advance(Millis(static_cast<std::int64_t>(below(300))));
    }
    stop_search();
  }
  index_disk->lost_at_crash = nullptr;
  start_search(6);
  loop.advance(Millis(100'000));
  expect_complete();
  EXPECT_EQ(index_disk->messages.size(), 240u);
}

}  // namespace
}  // namespace kith::server::testing
