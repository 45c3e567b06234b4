// The index in cache.db: the same hits as a scan, newest first, page by page; kept with the events,
// made for caches of the version before, and emptied with the history.
#include "client/search_index_sqlite.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <set>

#include "client/cache_store_sqlite.h"
#include "src/split_mix.h"
#include "tests/scratch_directory.h"
#include "tests/simulation/cache_disk.h"
#include "tests/unit/client/full_disk_sqlite.h"
#include "tests/unit/client/searchable_events.h"

namespace kith::client {
namespace {

class SearchIndexTest : public ::testing::Test {
 protected:
  void SetUp() override { open(); }
  void open() {
    store.reset();
    auto opened = open_cache_store_sqlite(dir);
    ASSERT_TRUE(opened.ok()) << opened.error().to_string();
    store = std::move(*opened);
  }
  void keep(const std::vector<StoredEvent>& events) {
    CacheChange change;
    change.events = events;
    const Status kept = store->commit(change);
    ASSERT_TRUE(kept.ok()) << kept.error().to_string();
  }
  static SearchRequest request(const std::string& query, std::size_t limit = 1'000,
                               const ConversationId& conversation = {}) {
    auto pattern = search::parse(query);
    EXPECT_TRUE(pattern.ok()) << query;
    return {pattern.value_or({}), conversation, 0, limit};
  }
  std::vector<Key> found(SearchRequest request) {
    const auto page = store->search(request);
    EXPECT_TRUE(page.ok());
    std::vector<Key> keys;
    for (const FoundEvent& f : page.value_or({}))
      keys.emplace_back(f.event.conversation, f.event.seq);
    return keys;
  }
  std::vector<std::uint64_t> seqs(const std::string& query, const ConversationId& in = {}) {
    std::vector<std::uint64_t> seqs;
    for (const Key& key : found(request(query, 1'000, in))) seqs.push_back(key.second);
    return seqs;
  }
  // Page after page until there is none.
  std::vector<Key> paged(SearchRequest request) { return paged(*store, std::move(request)); }
  static std::vector<Key> paged(CacheStore& of, SearchRequest request) {
    std::vector<Key> keys;
    for (;;) {
      const auto page = of.search(request);
      EXPECT_TRUE(page.ok());
      if (!page || page->empty()) return keys;
      for (const FoundEvent& f : *page) {
        EXPECT_TRUE(request.before == 0 || f.place < request.before);
        request.before = f.place;
        keys.emplace_back(f.event.conversation, f.event.seq);
      }
    }
  }
  void sql(const std::string& text) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((dir + "/cache.db").c_str(), &db), SQLITE_OK);
    char* why = nullptr;
    ASSERT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, &why), SQLITE_OK) << why;
    sqlite3_close(db);
  }

  const test::ScratchDirectory scratch;
  const std::string& dir = scratch.path();
  std::unique_ptr<CacheStore> store;
  const ConversationId room = numbered_room(1);
};

TEST_F(SearchIndexTest, FindsWordsPhrasesBeginningsAndScriptsWithoutSpaces) {
  keep({stored_message(room, 1, 1000, "Wir treffen uns im Café am Fluß"),
        stored_message(room, 2, 2000, "das CAFE ist geschlossen"),
        stored_message(room, 3, 3000, "明日は東京で会いましょう"),
        stored_message(room, 4, 4000, "don't open v1.2 of foo@bar"),
        stored_message(room, 5, 5000, "im Haus, café nebenan 🎉")});
  EXPECT_EQ(seqs("cafe"), (std::vector<std::uint64_t>{5, 2, 1}));
  EXPECT_EQ(seqs("FLUSS"), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(seqs("\"im café\""), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(seqs("im café"), (std::vector<std::uint64_t>{5, 1}));
  EXPECT_EQ(seqs("gesch"), (std::vector<std::uint64_t>{2}));
  EXPECT_EQ(seqs("\"gesch\""), std::vector<std::uint64_t>{});
  EXPECT_EQ(seqs("東京"), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(seqs("京"), (std::vector<std::uint64_t>{3}));
  EXPECT_EQ(seqs("京東"), std::vector<std::uint64_t>{});
  EXPECT_EQ(seqs("v1.2"), (std::vector<std::uint64_t>{4}));
  EXPECT_EQ(seqs("don't foo@bar"), (std::vector<std::uint64_t>{4}));
  EXPECT_EQ(seqs("🎉"), (std::vector<std::uint64_t>{5}));
}

TEST_F(SearchIndexTest, WhatLooksLikeAQueryOfTheIndexIsTextOnly) {
  keep({stored_message(room, 1, 1000, "near and or not term"),
        stored_message(room, 2, 2000, room.to_string() + " _" + room.to_string())});
  EXPECT_EQ(seqs("NEAR(and)"), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(seqs("near OR absent"), std::vector<std::uint64_t>{});  // three words
  EXPECT_EQ(seqs("\"and or not\""), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(seqs("term:near"), std::vector<std::uint64_t>{});
  EXPECT_EQ(seqs("_" + room.to_string()), (std::vector<std::uint64_t>{2}));
}

TEST_F(SearchIndexTest, OnlyTheTextOfMessagesIsFound) {
  v1::Event membership = message_event(room, 2, 2000, "hello");
  membership.set_kind(v1::EVENT_KIND_MEMBERSHIP);
  v1::Event withheld = message_event(room, 3, 3000, "hello");
  withheld.set_kind(v1::EVENT_KIND_VOID);
  v1::Event newer = message_event(room, 4, 4000, "");
  newer.set_body("\x7a\x05hello");  // content of a kind that is not known
  keep({stored_message(room, 1, 1000, "hello"),
        stored(room, membership),
        stored(room, withheld),
        stored(room, newer),
        {room, 5, numbered_message(room, 5), 5, "hello"}});
  EXPECT_EQ(seqs("hello"), (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(seqs("newer"), std::vector<std::uint64_t>{});  // "(a message of a newer kind)"
}

TEST_F(SearchIndexTest, NewestComeFirstThoughOlderPagesCameLater) {
  const ConversationId other = numbered_room(2);
  keep({stored_message(room, 900, 90'000, "hello")});
  keep({stored_message(room, 10, 1'000, "hello"), stored_message(room, 11, 1'100, "hello")});
  keep({stored_message(other, 3, 50'000, "hello")});
  EXPECT_EQ(found(request("hello")),
            (std::vector<Key>{{room, 900}, {other, 3}, {room, 11}, {room, 10}}));
  EXPECT_EQ(found(request("hello", 2)), (std::vector<Key>{{room, 900}, {other, 3}}));
  EXPECT_EQ(paged(request("hello", 1)), found(request("hello")));
}

TEST_F(SearchIndexTest, MessagesOfOneMillisecondKeepTheirOrderAndNoneIsLost) {
  std::vector<StoredEvent> events;
  // Rooms whose ids end alike, and numbers that are alike modulo 4096: their places collide.
  for (std::uint64_t r = 0; r < 3; ++r) {
    for (std::uint64_t seq : {1, 2, 4097, 4098, 8193})
      events.push_back(stored_message(numbered_room(7 + 256 * r), seq, 5'000, "hello"));
  }
  for (std::uint64_t seq = 10; seq < 30; ++seq)
    events.push_back(stored_message(room, seq, 5'000, "hello"));
  keep(events);
  EXPECT_EQ(found(request("hello")).size(), events.size());
  const auto all = paged(request("hello", 4));
  EXPECT_EQ(std::set<Key>(all.begin(), all.end()).size(), events.size());
  EXPECT_EQ(all.size(), events.size());
  std::vector<std::uint64_t> in_room = seqs("hello", room);
  EXPECT_EQ(in_room.size(), 20u);
  EXPECT_TRUE(std::is_sorted(in_room.rbegin(), in_room.rend()));
}

TEST_F(SearchIndexTest, AnEventThatIsStoredAgainIsFoundOnce) {
  keep({stored_message(room, 1, 1000, "hello")});
  keep({stored_message(room, 1, 1000, "hello"), stored_message(room, 2, 1000, "hello")});
  keep({stored_message(room, 1, 9000, "something else")});  // the first one stays
  EXPECT_EQ(seqs("hello"), (std::vector<std::uint64_t>{2, 1}));
  EXPECT_EQ(seqs("else"), std::vector<std::uint64_t>{});
}

TEST_F(SearchIndexTest, ForgettingTheHistoryForgetsTheIndex) {
  keep({stored_message(room, 1, 1000, "hello")});
  CacheChange forget;
  forget.forget_history = true;
  forget.events = {stored_message(room, 1, 1000, "other history")};
  ASSERT_TRUE(store->commit(forget).ok());
  EXPECT_EQ(seqs("hello"), std::vector<std::uint64_t>{});
  EXPECT_EQ(seqs("history"), (std::vector<std::uint64_t>{1}));
  open();
  EXPECT_EQ(seqs("history"), (std::vector<std::uint64_t>{1}));
}

TEST_F(SearchIndexTest, IsWholeOrAbsentWithItsEventsWhenTheDiskIsFull) {
  store.reset();
  FullDisk disk;
  {
    open();
    keep({stored_message(room, 1, 1000, "hello")});
    disk.fill(true, "cache.db");
    CacheChange change;
    change.events = {stored_message(room, 2, 2000, "hello")};
    EXPECT_EQ(store->commit(change).error().code, ErrorCode::kDiskFull);
    EXPECT_GT(disk.refused(), 0);
    EXPECT_EQ(seqs("hello"), (std::vector<std::uint64_t>{1}));
    disk.fill(false);
    open();
    EXPECT_EQ(seqs("hello"), (std::vector<std::uint64_t>{1}));
    ASSERT_TRUE(store->commit(change).ok());
  }
  EXPECT_EQ(seqs("hello"), (std::vector<std::uint64_t>{2, 1}));
  store.reset();
}

TEST_F(SearchIndexTest, AKilledProcessLeavesTheIndexOfWhatItKept) {
  std::uint64_t first = 1;
  for (int turn = 1; turn <= 5; ++turn) {
    store.reset();
    int told[2];
    ASSERT_EQ(pipe(told), 0);
    const pid_t writer = fork();
    if (writer == 0) {
      const auto here = open_cache_store_sqlite(dir);
      for (std::uint64_t seq = first; here.ok(); ++seq) {
        CacheChange change;
        change.events = {stored_message(room, seq, 1'000, "hello"),
                         stored_message(numbered_room(2), seq, 1'000, "hello")};
        if (!(*here)->commit(change) || write(told[1], "k", 1) != 1) break;
      }
      _exit(1);
    }
    char kept = 0;
    for (int commits = 0; commits < 7 * turn; ++commits) ASSERT_EQ(read(told[0], &kept, 1), 1);
    kill(writer, SIGKILL);
    waitpid(writer, nullptr, 0);
    close(told[0]);
    close(told[1]);
    open();
    const auto events = store->events(room, 1, UINT64_MAX, 100'000);
    ASSERT_TRUE(events.ok());
    EXPECT_GE(events->size(), first - 1 + 7u * static_cast<unsigned>(turn));
    EXPECT_EQ(found(request("hello", 100'000)).size(), 2 * events->size());
    first = events->size() + 1;
  }
}

TEST_F(SearchIndexTest, FindsWhatAScanAndASimulatedDiskFind) {
  const std::vector<std::string> words = {"alpha", "alps", "Beta",   "café", "cafe",  "東京",
                                          "京都",  "ไทย",  "don't",  "v1.2", "Größe", "groesse",
                                          "a",     "🎉",    "한국어", "x",    "xy",    "ＡＢＣ"};
  const std::vector<std::string> joints = {" ", ", ", "-", "", "\n"};
  SplitMix random(17);
  const auto pick = [&](const auto& from) { return from[random.next() % from.size()]; };
  std::vector<StoredEvent> events;
  for (std::uint64_t i = 1; i <= 2'000; ++i) {
    std::string text = pick(words);
    for (std::uint64_t n = random.next() % 8; n > 0; --n) text += pick(joints) + pick(words);
    events.push_back(stored_message(numbered_room(random.next() % 20), i,
                                    static_cast<std::int64_t>(random.next() % 1'000'000), text));
  }
  sim::CacheDisk flash;
  const sim::CacheFaults none;
  sim::CacheStoreOnDisk disk(
      flash, none, [](const CacheChange&) {}, [] {});
  for (std::size_t first = 0; first < events.size(); first += 40) {
    CacheChange change;
    change.events.assign(events.begin() + static_cast<std::ptrdiff_t>(first),
                         events.begin() + static_cast<std::ptrdiff_t>(first + 40));
    keep(change.events);
    ASSERT_TRUE(disk.commit(change).ok());
  }
  std::size_t hits = 0;
  for (int turn = 0; turn < 300; ++turn) {
    std::string query = pick(words);
    for (std::uint64_t n = random.next() % 3; n > 0; --n) query += " " + pick(words);
    if (random.next() % 3 == 0) query = "\"" + query + "\"";
    if (random.next() % 3 == 0) query.resize(query.size() - 1);
    if (!search::parse(query)) continue;
    SCOPED_TRACE(query);
    const ConversationId in =
        random.next() % 3 == 0 ? numbered_room(random.next() % 20) : ConversationId();
    const auto expected = scan(events, request(query, 0, in));
    EXPECT_EQ(paged(request(query, 1 + random.next() % 30, in)), expected);
    EXPECT_EQ(paged(disk, request(query, 1 + random.next() % 30, in)), expected);
    hits += expected.size();
  }
  EXPECT_GT(hits, 10'000u);
}

// --- caches of version 1 ---

class OlderCache : public SearchIndexTest {
 protected:
  static constexpr std::uint64_t kRooms = 20, kEach = 200;

  // As the first release left it: events, and no tables of an index.
  void SetUp() override {
    open();
    for (std::uint64_t r = 1; r <= kRooms; ++r) {
      std::vector<StoredEvent> events;
      for (std::uint64_t seq = 1; seq <= kEach; ++seq)
        events.push_back(stored_message(numbered_room(r), seq,
                                        static_cast<std::int64_t>(seq * 1000 + r), "old"));
      keep(events);
    }
    store.reset();
    sql("DROP TABLE term; DROP TABLE term_place; DROP TABLE term_backlog; PRAGMA user_version=1");
    open();
  }
};

// An index whose terms follow an older rule would miss what is asked for in today's.
TEST_F(OlderCache, AnIndexOfOtherTermsIsMadeAnew) {
  while (*store->index_more(500)) {
  }
  ASSERT_EQ(found(request("old", 9'999)).size(), kRooms * kEach);
  store.reset();
  sql("INSERT INTO term(term) VALUES('delete-all'); PRAGMA user_version=2");
  open();
  EXPECT_TRUE(store->load()->index_behind);
  keep({stored_message(numbered_room(1), kEach + 1, 99'000, "old and new")});
  while (*store->index_more(500)) {
  }
  EXPECT_FALSE(store->load()->index_behind);
  EXPECT_EQ(found(request("old", 9'999)).size(), kRooms * kEach + 1);
}

TEST_F(OlderCache, IsOpenedAtOnceAndIndexedInSlices) {
  EXPECT_TRUE(store->load()->index_behind);
  EXPECT_EQ(found(request("old", 9'999)).size(), 0u);
  std::size_t before = 0;
  for (int slices = 0;; ++slices) {
    const auto more = store->index_more(500);
    ASSERT_TRUE(more.ok()) << more.error().to_string();
    const std::size_t now = found(request("old", 9'999)).size();
    EXPECT_LE(now - before, 500u);
    before = now;
    if (!*more) break;
    ASSERT_LT(slices, 9);
  }
  EXPECT_EQ(before, kRooms * kEach);
  EXPECT_FALSE(store->load()->index_behind);
  EXPECT_FALSE(*store->index_more(500));
  const auto hits = found(request("old", 3));
  EXPECT_EQ(hits.front(), (Key{numbered_room(kRooms), kEach}));
}

TEST_F(OlderCache, WhatComesMeanwhileIsFoundAtOnceAndNeverTwice) {
  ASSERT_TRUE(*store->index_more(300));
  for (std::uint64_t r : {std::uint64_t{1}, kRooms / 2, kRooms, kRooms + 1})
    keep({stored_message(numbered_room(r), kEach + 1, 900'000, "old but new")});
  EXPECT_EQ(found(request("new")).size(), 4u);
  open();  // the process ended; it goes on where it was
  EXPECT_TRUE(store->load()->index_behind);
  EXPECT_EQ(found(request("new")).size(), 4u);
  EXPECT_EQ(found(request("old", 9'999)).size(), 304u);
  while (*store->index_more(500)) {
  }
  const auto all = found(request("old", 9'999));
  EXPECT_EQ(all.size(), kRooms * kEach + 4);
  EXPECT_EQ(std::set<Key>(all.begin(), all.end()).size(), all.size());
}

TEST_F(OlderCache, ASliceThatCannotBeWrittenIsTriedAgain) {
  store.reset();
  FullDisk disk;
  open();
  ASSERT_TRUE(*store->index_more(300));
  disk.fill(true, "cache.db");
  EXPECT_EQ(store->index_more(300).error().code, ErrorCode::kDiskFull);
  EXPECT_EQ(found(request("old", 9'999)).size(), 300u);
  disk.fill(false);
  while (*store->index_more(300)) {
  }
  EXPECT_EQ(found(request("old", 9'999)).size(), kRooms * kEach);
  store.reset();
}

TEST_F(OlderCache, ForgettingItsHistoryLeavesNothingToIndex) {
  CacheChange forget;
  forget.forget_history = true;
  ASSERT_TRUE(store->commit(forget).ok());
  EXPECT_FALSE(store->load()->index_behind);
  EXPECT_FALSE(*store->index_more(500));
}

}  // namespace
}  // namespace kith::client
