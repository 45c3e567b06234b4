// The cache on disk: locks, versions, corruption, and what survives.
#include "client/cache_store_sqlite.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>

#include "client/diff.h"
#include "tests/scratch_directory.h"

namespace kith::client {
namespace {

class CacheStoreSqlite : public ::testing::Test {
 protected:
  static OutboxRow row() {
    OutboxRow r;
    r.order = 4;
    r.conversation = ConversationId::direct(UserId::of("a"), UserId::of("b"));
    r.id = MessageId(std::array<std::uint8_t, 16>{1});
    r.payload = "payload";
    return r;
  }
  const test::ScratchDirectory scratch;
  const std::string& dir = scratch.path();
};

TEST_F(CacheStoreSqlite, KeepsWhatWasCommitted) {
  CacheChange change;
  change.outbox_put.push_back(row());
  change.ranges[row().conversation].add(1, 4);
  change.cursor = 77;
  change.events.push_back(
      {row().conversation, 4, MessageId(std::array<std::uint8_t, 16>{9}), 4, "bytes"});
  ASSERT_TRUE((*open_cache_store_sqlite(dir))->commit(change).ok());
  const auto store = open_cache_store_sqlite(dir);
  const auto content = (*store)->load();
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->cursor, 77u);
  EXPECT_EQ(content->ranges.at(row().conversation).top(), 4u);
  ASSERT_EQ(content->outbox.size(), 1u);
  EXPECT_EQ(content->outbox[0].payload, "payload");
  EXPECT_GE(content->outbox[0].attempt, 1u);
  EXPECT_EQ((*(*store)->events(row().conversation, 1, 5, 10)).at(0).bytes, "bytes");
}

TEST_F(CacheStoreSqlite, RowWhoseEventIsKnownIsNotSentAgain) {
  CacheChange change;
  change.outbox_put.push_back(row());
  change.events.push_back({row().conversation, 1, row().id, 1, "bytes"});
  const auto store = open_cache_store_sqlite(dir);
  ASSERT_TRUE((*store)->commit(change).ok());
  EXPECT_TRUE((*store)->load()->outbox.empty());
}

TEST_F(CacheStoreSqlite, DeviceIsTheSameForEverybodyWhoAsks) {
  const auto first = cache_device_sqlite(dir, system_random());
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_FALSE(first->empty());
  const auto store = open_cache_store_sqlite(dir);
  ASSERT_TRUE(store.ok());
  EXPECT_EQ((*store)->load()->device, *first);
  const auto beside = cache_device_sqlite(dir, system_random());  // while a client has it open
  ASSERT_TRUE(beside.ok()) << beside.error().to_string();
  EXPECT_EQ(*beside, *first);
}

TEST_F(CacheStoreSqlite, TheRunStandsBesideTheOutboxWhateverBecomesOfTheCache) {
  CacheChange change;
  change.run = "a run";
  change.kv["run"] = "a run";
  ASSERT_TRUE((*open_cache_store_sqlite(dir))->commit(change).ok());
  std::filesystem::remove(dir + "/cache.db");
  std::filesystem::remove(dir + "/cache.db-wal");
  std::filesystem::remove(dir + "/cache.db-shm");
  auto content = (*open_cache_store_sqlite(dir))->load();
  ASSERT_TRUE(content.ok());
  EXPECT_EQ(content->run, "a run");
  EXPECT_EQ(content->kv["run"], "");
}

TEST_F(CacheStoreSqlite, SecondOpenIsRefused) {
  const auto first = open_cache_store_sqlite(dir);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(open_cache_store_sqlite(dir).error().code, ErrorCode::kAlreadyOpen);
}

TEST_F(CacheStoreSqlite, NewerCacheIsLeftAlone) {
  ASSERT_TRUE(open_cache_store_sqlite(dir).ok());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir + "/cache.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  EXPECT_EQ(open_cache_store_sqlite(dir).error().code, ErrorCode::kCacheTooNew);
}

// A 1:1 stood under another id before ids had a type.
TEST_F(CacheStoreSqlite, ACacheWithOtherIdsIsRefusedAndLeftAlone) {
  for (const char* name : {"outbox.db", "cache.db"}) {
    ASSERT_TRUE(open_cache_store_sqlite(dir).ok());
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((dir + "/" + name).c_str(), &db), SQLITE_OK);
    const std::string row =
        std::string(name) == "outbox.db"
            ? "INSERT INTO outbox VALUES(1,randomblob(16),zeroblob(16),1,NULL,'',5,0,0,NULL)"
            : "INSERT INTO conversation(id) VALUES(zeroblob(16))";
    const std::string old = row + ";PRAGMA user_version=2";
    ASSERT_EQ(sqlite3_exec(db, old.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    for (int i = 0; i < 2; ++i) {
      const auto refused = open_cache_store_sqlite(dir);
      EXPECT_EQ(refused.error().code, ErrorCode::kCacheTooOld);
      EXPECT_NE(refused.error().message.find("conversation ids"), std::string::npos);
    }
    sqlite3_close(db);
    std::filesystem::remove_all(dir);
  }
}

TEST_F(CacheStoreSqlite, OutboxOfTheFirstVersionIsBroughtUp) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir + "/outbox.db").c_str(), &db), SQLITE_OK);
  const char* first =
      "CREATE TABLE outbox(local_order INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, conversation"
      " BLOB NOT NULL, kind INTEGER NOT NULL, peer BLOB, payload BLOB NOT NULL, created_ms INTEGER,"
      " failed INTEGER NOT NULL);"
      "CREATE TABLE read_mark(conversation BLOB PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID;"
      "CREATE TABLE identity(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"
      "INSERT INTO outbox VALUES(1, randomblob(16), X'00000000000080008000000000000000', 1, NULL,"
      " 'kept', 5, 0);"
      "PRAGMA user_version=1";
  ASSERT_EQ(sqlite3_exec(db, first, nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  for (std::size_t rows = 1; rows <= 2; ++rows) {  // and again, as the new version
    const auto store = open_cache_store_sqlite(dir);
    ASSERT_TRUE(store.ok()) << store.error().to_string();
    const auto content = (*store)->load();
    ASSERT_EQ(content->outbox.size(), rows);
    EXPECT_EQ(content->outbox[0].payload, "kept");
    EXPECT_EQ(content->outbox[0].server_ms, 0);
    OutboxRow fresh = row();
    fresh.server_ms = 77;
    CacheChange change;
    change.outbox_put.push_back(fresh);
    ASSERT_TRUE((*store)->commit(change).ok());
    EXPECT_EQ((*store)->load()->outbox.back().server_ms, 77);
  }
}

TEST_F(CacheStoreSqlite, CorruptCacheIsSetAsideAndTheOutboxKept) {
  CacheChange change;
  change.outbox_put.push_back(row());
  ASSERT_TRUE((*open_cache_store_sqlite(dir))->commit(change).ok());
  std::ofstream(dir + "/cache.db", std::ios::trunc) << std::string(8192, 'x');
  const auto store = open_cache_store_sqlite(dir);
  ASSERT_TRUE(store.ok());
  const auto content = (*store)->load();
  ASSERT_TRUE(content.ok());
  EXPECT_FALSE(content->recovered.empty());
  EXPECT_EQ(content->outbox.size(), 1u);
  EXPECT_TRUE(std::filesystem::exists(dir + "/cache.db.corrupt"));
}

TEST(Ranges, JoinsNeighboursAndFindsHoles) {
  Ranges r;
  r.add(1, 3);
  r.add(7, 9);
  EXPECT_EQ(r.first_hole(1, 9), 4u);
  EXPECT_EQ(r.missing(1, 9), 3u);
  EXPECT_EQ(r.missing(2, 12), 6u);
  EXPECT_EQ(r.missing(8, 7), 0u);
  EXPECT_EQ(r.last_hole(1, 9), 6u);
  r.add(4, 6);
  EXPECT_EQ(r.list(), (std::vector<Ranges::Range>{{1, 9}}));
  EXPECT_EQ(r.last_hole(1, 9), 0u);
}

struct Item {
  int id = 0;
  int value = 0;
  bool operator==(const Item&) const = default;
};

std::vector<Item> apply(std::vector<Item> list, const std::vector<Diff<Item>>& steps) {
  using Kind = Diff<Item>::Kind;
  for (const auto& step : steps) {
    const auto at = [&](std::size_t i) { return list.begin() + static_cast<std::ptrdiff_t>(i); };
    if (step.kind == Kind::kReset) list = step.items;
    if (step.kind == Kind::kRemove) list.erase(at(step.index));
    if (step.kind == Kind::kInsert) list.insert(at(step.index), step.items[0]);
    if (step.kind == Kind::kUpdate) *at(step.index) = step.items[0];
    if (step.kind == Kind::kMove) {
      const Item moved = *at(step.from);
      list.erase(at(step.from));
      list.insert(at(step.index), moved);
    }
  }
  return list;
}

TEST(DiffSteps, TurnOneListIntoTheOther) {
  const std::vector<Item> before{{1, 1}, {2, 1}, {3, 1}, {4, 1}};
  const std::vector<Item> after{{4, 1}, {5, 1}, {1, 2}, {3, 1}};
  const auto steps = diff(before, after);
  EXPECT_EQ(apply(before, steps), after);
  EXPECT_NE(steps.front().kind, Diff<Item>::Kind::kReset);
  EXPECT_TRUE(diff(after, after).empty());
}

}  // namespace
}  // namespace kith::client
