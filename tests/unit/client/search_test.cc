// Pages of a search merged out of three lists: each hit once, in order, wherever the pages end.
#include "client/search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "src/split_mix.h"
#include "tests/unit/client/searchable_events.h"

namespace kith::client {
namespace {

using Server = SearchCursor::Server;

SearchCandidate hit(std::uint64_t number, std::int64_t time_ms, std::uint64_t place,
                    std::uint64_t room = 1) {
  return {numbered_message(numbered_room(room), number), numbered_room(room), number, time_ms,
          place};
}

// A search over lists that do not change: the answer of each side at a cursor.
struct World {
  std::vector<SearchCandidate> waiting, held, server;  // descending by place

  static SearchList below(const std::vector<SearchCandidate>& all, std::uint64_t before,
                          std::size_t limit) {
    SearchList list;
    for (const SearchCandidate& c : all) {
      if (before != 0 && c.place >= before) continue;
      if (list.hits.size() == limit) {
        list.more = true;
        break;
      }
      list.hits.push_back(c);
    }
    return list;
  }
  struct Page {
    std::vector<SearchCandidate> hits;
    std::optional<SearchCursor> next;
  };
  Page page(const SearchCursor& from, std::size_t limit, std::size_t server_limit,
            bool answers = true) const {
    const std::size_t wanted = limit + 1 + from.edge.size();
    const SearchList here{waiting, false};
    const SearchList kept = below(held, from.held_before, wanted);
    const SearchList told = below(server, from.server_before, std::min(wanted, server_limit));
    const MergedPage merged = merge_search(from, here, kept, answers ? &told : nullptr, limit);
    Page page{{}, merged.next};
    for (const SearchPick& pick : merged.picks) {
      const SearchList& list = pick.source == SearchSource::kWaiting ? here
                               : pick.source == SearchSource::kHeld  ? kept
                                                                     : told;
      page.hits.push_back(list.hits.at(pick.index));
    }
    return page;
  }
};

std::vector<std::string> ids(const std::vector<SearchCandidate>& hits) {
  std::vector<std::string> ids;
  for (const SearchCandidate& c : hits) {
    ids.push_back(std::to_string(c.conversation.array().back()) + '/' + std::to_string(c.seq));
  }
  return ids;
}

std::set<std::string> all_of(const World& world) {
  std::set<std::string> all;
  for (const auto* list : {&world.waiting, &world.held, &world.server})
    for (const std::string& id : ids(*list)) all.insert(id);
  return all;
}

TEST(SearchMerge, WhatWaitsComesFirstThenTheNewestOfBoth) {
  World world;
  world.waiting = {hit(91, 0, 2), hit(90, 0, 1)};
  world.held = {hit(5, 500, 50), hit(3, 300, 30)};
  world.server = {hit(6, 600, 9), hit(5, 500, 8), hit(2, 200, 7)};
  const auto page = world.page({}, 20, 50);
  EXPECT_EQ(ids(page.hits), ids({hit(91, 0, 0), hit(90, 0, 0), hit(6, 0, 0), hit(5, 0, 0),
                                 hit(3, 0, 0), hit(2, 0, 0)}));
  EXPECT_FALSE(page.next.has_value());
}

TEST(SearchMerge, AMessageOfBothMovesBothOn) {
  World world;
  world.held = {hit(5, 500, 50), hit(3, 300, 30)};
  world.server = {hit(5, 500, 8), hit(3, 300, 7)};
  const auto page = world.page({}, 1, 50);
  ASSERT_TRUE(page.next.has_value());
  EXPECT_EQ(page.next->held_before, 50u);
  EXPECT_EQ(page.next->server_before, 8u);
  EXPECT_TRUE(page.next->edge.empty());
}

TEST(SearchMerge, AHitThatHadNoRoomComesOnTheNextPage) {
  World world;
  world.held = {hit(5, 500, 50)};
  world.server = {hit(4, 400, 8)};
  auto page = world.page({}, 1, 50);
  EXPECT_EQ(ids(page.hits), ids({hit(5, 0, 0)}));
  ASSERT_TRUE(page.next.has_value());
  world.server.insert(world.server.begin(), hit(9, 900, 20));  // sent meanwhile
  page = world.page(*page.next, 1, 50);
  EXPECT_EQ(ids(page.hits), ids({hit(4, 0, 0)}));
  EXPECT_FALSE(page.next.has_value());
}

TEST(SearchMerge, AServerThatDidNotAnswerStaysOut) {
  World world;
  world.held = {hit(5, 500, 50), hit(3, 300, 30)};
  world.server = {hit(6, 600, 9), hit(4, 400, 8)};
  const auto first = world.page({}, 1, 50, false);
  EXPECT_EQ(ids(first.hits), ids({hit(5, 0, 0)}));
  ASSERT_TRUE(first.next.has_value());
  EXPECT_EQ(first.next->server, Server::kLeftOut);
  const auto second = world.page(*first.next, 9, 50);
  EXPECT_EQ(ids(second.hits), ids({hit(3, 0, 0)}));
  EXPECT_FALSE(second.next.has_value());
}

TEST(SearchMerge, HitsWithNothingToShowArePassedOver) {
  World world;
  world.server = {hit(6, 600, 9), hit(5, 500, 8), hit(4, 400, 7)};
  world.server[0].hidden = world.server[1].hidden = true;
  const auto page = world.page({}, 1, 2);  // all that the server tells at first
  EXPECT_TRUE(page.hits.empty());
  ASSERT_TRUE(page.next.has_value());
  EXPECT_EQ(ids(world.page(*page.next, 1, 2).hits), ids({hit(4, 0, 0)}));
}

TEST(SearchMerge, ANewlyPlacedMessageThatWasToldAsWaitingIsNotToldAgain) {
  World world;
  world.waiting = {hit(9, 0, 4)};
  world.held = {hit(5, 500, 50), hit(3, 300, 30)};
  world.server = {hit(4, 400, 8), hit(2, 200, 7)};
  const auto first = world.page({}, 2, 50);
  EXPECT_EQ(ids(first.hits), ids({hit(9, 0, 0), hit(5, 0, 0)}));
  world.server.insert(world.server.begin(), hit(9, 900, 20));  // the outbox does not know yet
  EXPECT_EQ(ids(world.page(*first.next, 9, 50).hits),
            ids({hit(4, 0, 0), hit(3, 0, 0), hit(2, 0, 0)}));
  world.waiting.clear();
  world.held.insert(world.held.begin(), hit(9, 900, 90));
  EXPECT_EQ(ids(world.page(*first.next, 9, 50).hits),
            ids({hit(4, 0, 0), hit(3, 0, 0), hit(2, 0, 0)}));
}

World random_world(SplitMix& random, std::uint64_t step) {
  World world;
  const std::uint64_t count = random.next() % 60;
  std::int64_t time = 1'000;
  std::vector<std::uint64_t> seqs(4);
  std::vector<SearchCandidate> all;
  for (std::uint64_t i = 1; i <= count; ++i) {
    time += static_cast<std::int64_t>(random.next() % step);
    const std::uint64_t room = random.next() % seqs.size();
    all.push_back(hit(++seqs[room], time, i, room + 1));
  }
  // The server's order is that of its log; the index has its own within a millisecond.
  for (const SearchCandidate& c : all) {
    const std::uint64_t where = random.next() % 3;
    if (where != 0) world.server.insert(world.server.begin(), c);
    if (where == 1) continue;
    world.held.push_back(c);
    world.held.back().place = static_cast<std::uint64_t>(c.time_ms) * 1'000'000 +
                              c.conversation.array().back() * 10'000u + c.seq;
  }
  std::sort(world.held.begin(), world.held.end(),
            [](const auto& a, const auto& b) { return a.place > b.place; });
  for (std::uint64_t i = random.next() % 4; i > 0; --i) world.waiting.push_back(hit(i, 9, i, 9));
  return world;
}

TEST(SearchMerge, EachHitComesOnceInOrderWhateverThePages) {
  SplitMix random(5);
  std::size_t told = 0;
  for (int turn = 0; turn < 3'000; ++turn) {
    SCOPED_TRACE("turn " + std::to_string(turn));
    const World world = random_world(random, turn % 2 ? 3 : 1'000);
    const std::size_t server_limit = 1 + random.next() % 50;
    SearchCursor from;
    std::vector<SearchCandidate> got;
    for (int pages = 0;; ++pages) {
      ASSERT_LT(pages, 300) << "it does not end";
      const std::size_t limit = 1 + random.next() % 9;
      const auto page = world.page(from, limit, std::max(server_limit, limit));
      ASSERT_LE(page.hits.size(), limit);
      got.insert(got.end(), page.hits.begin(), page.hits.end());
      if (!page.next) break;
      const std::string text = encode_search_cursor(*page.next, "query");
      ASSERT_LE(text.size(), kSearchCursorMax);
      const auto read = decode_search_cursor(text, "query");
      ASSERT_TRUE(read.has_value());
      ASSERT_EQ(*read, *page.next);
      from = *read;
    }
    const auto once = ids(got);
    EXPECT_EQ(std::set<std::string>(once.begin(), once.end()), all_of(world));
    EXPECT_EQ(once.size(), all_of(world).size());
    const auto placed = got.begin() + static_cast<std::ptrdiff_t>(world.waiting.size());
    EXPECT_EQ(ids({got.begin(), placed}), ids(world.waiting));
    EXPECT_TRUE(std::is_sorted(placed, got.end(),
                               [](const auto& a, const auto& b) { return a.time_ms > b.time_ms; }));
    told += got.size();
  }
  EXPECT_GT(told, 50'000u);
}

TEST(SearchMerge, AServerWhoseClockWentBackRepeatsButLosesNothing) {
  SplitMix random(8);
  for (int turn = 0; turn < 500; ++turn) {
    SCOPED_TRACE("turn " + std::to_string(turn));
    World world = random_world(random, 50);
    for (SearchCandidate& c : world.server) c.time_ms -= static_cast<std::int64_t>(c.place % 100);
    std::set<std::string> got;
    SearchCursor from;
    for (int pages = 0; pages < 300; ++pages) {
      const auto page = world.page(from, 1 + random.next() % 9, 50);
      for (const std::string& id : ids(page.hits)) got.insert(id);
      if (!page.next) break;
      from = *page.next;
    }
    EXPECT_EQ(got, all_of(world));
  }
}

TEST(SearchCursor, OfAnotherQueryOrDamagedIsRefused) {
  SearchCursor cursor;
  cursor.held_before = 77;
  cursor.edge = {1, 2, 3};
  const std::string text = encode_search_cursor(cursor, "alice");
  EXPECT_EQ(decode_search_cursor(text, "alice"), cursor);
  EXPECT_FALSE(decode_search_cursor(text, "alicf").has_value());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(decode_search_cursor(damaged, "alice").has_value()) << i;
    EXPECT_FALSE(decode_search_cursor(text.substr(0, i), "alice").has_value()) << i;
  }
  EXPECT_FALSE(decode_search_cursor(std::string(100'000, 'A'), "alice").has_value());
  EXPECT_FALSE(decode_search_cursor("next page", "alice").has_value());
}

TEST(SearchCursor, StaysShortHoweverManyHitsOneMillisecondHas) {
  SearchCursor cursor;
  cursor.edge.assign(1'000, UINT64_MAX);
  const std::string text = encode_search_cursor(cursor, "q");
  EXPECT_LE(text.size(), kSearchCursorMax);
  EXPECT_EQ(decode_search_cursor(text, "q")->edge.size(), kSearchEdgeMax);
}

}  // namespace
}  // namespace kith::client
