// The cache under load: a second writer beside it, and a long run with readers.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "client/cache_store_sqlite.h"
#include "tests/scratch_directory.h"

namespace kith::client {
namespace {

constexpr std::uintmax_t kWalBytesMax = 16 * 1024 * 1024;

class CacheLoad : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = open_cache_store_sqlite(dir);
    ASSERT_TRUE(opened.ok());
    store = std::move(*opened);
  }
  void TearDown() override { store.reset(); }
  // `count` events from `first` on, and the range that they fill.
  CacheChange page(std::uint64_t first, std::uint64_t count) const {
    CacheChange change;
    for (std::uint64_t seq = first; seq < first + count; ++seq) {
      std::array<std::uint8_t, MessageId::kSize> id{};
      for (std::size_t i = 0; i < 8; ++i) id[i] = static_cast<std::uint8_t>(seq >> (8 * i));
      change.events.push_back({room, seq, MessageId(id), seq, std::string(200, 'x')});
    }
    change.ranges[room].add(1, first + count - 1);
    return change;
  }

  const test::ScratchDirectory scratch;
  const std::string& dir = scratch.path();
  std::unique_ptr<CacheStore> store;
  const ConversationId room = ConversationId::direct(UserId::of("a"), UserId::of("b"));
};

// Somebody repairs cache.db with another tool that hardly ever lets go of it.
class GreedyWriter {
 public:
  explicit GreedyWriter(const std::string& file)
      : thread_([this, file] {
          sqlite3* db = nullptr;
          if (sqlite3_open(file.c_str(), &db) == SQLITE_OK) {
            sqlite3_busy_timeout(db, 5'000);
            while (!over_) write_then_read(db);
          }
          sqlite3_close(db);
        }) {}
  ~GreedyWriter() {
    over_ = true;
    thread_.join();
  }
  GreedyWriter(const GreedyWriter&) = delete;
  GreedyWriter& operator=(const GreedyWriter&) = delete;
  [[nodiscard]] int written() const { return written_; }

 private:
  static constexpr std::int64_t kHoldsMs = 40;
  static constexpr std::int64_t kRestsMs = 1;

  static void repeat(sqlite3* db, const char* sql, std::int64_t span_ms) {
    const std::int64_t until = system_clock().steady_ms() + span_ms;
    do {
      sqlite3_exec(db, sql, nullptr, nullptr, nullptr);
    } while (system_clock().steady_ms() < until);
  }
  void write_then_read(sqlite3* db) {
    if (sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK) {
      repeat(db, "INSERT OR REPLACE INTO kv VALUES('other', randomblob(999))", kHoldsMs);
      written_ += sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK;
    }
    repeat(db, "SELECT sum(length(bytes)) FROM event", kRestsMs);
  }

  std::atomic<bool> over_ = false;
  std::atomic<int> written_ = 0;
  std::thread thread_;
};

TEST_F(CacheLoad, AnotherWriterDelaysButNothingFails) {
  constexpr int kTurns = 100;
  std::uint64_t seq = 0;
  {
    const GreedyWriter other(dir + "/cache.db");
    while (other.written() < kTurns) {
      const Status stored = store->commit(page(++seq, 1));
      ASSERT_TRUE(stored.ok()) << seq << ": " << stored.error().to_string();
    }
  }
  EXPECT_EQ(store->events(room, 1, seq + 1, seq + 1)->size(), seq);
}

TEST_F(CacheLoad, WhoeverKeepsAFileLockedIsNamed) {
  store.reset();
  auto impatient = open_cache_store_sqlite(dir, Millis(50));
  ASSERT_TRUE(impatient.ok());
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir + "/cache.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
  const Status refused = (*impatient)->commit(page(1, 1));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyOpen);
  EXPECT_NE(refused.error().message.find("cache.db: database is locked"), std::string::npos);
  EXPECT_TRUE((*impatient)->events(room, 1, 10, 10)->empty());  // readers are not hindered
  ASSERT_EQ(sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_TRUE((*impatient)->commit(page(1, 1)).ok());
  sqlite3_close(db);
}

TEST_F(CacheLoad, TheWriteAheadLogStaysSmallWhilePagesAreRead) {
  std::uintmax_t most = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    ASSERT_TRUE(store->commit(page(1 + i * 500, 500)).ok());
    for (const std::uint64_t from : {std::uint64_t{1}, i * 200 + 1, i * 400 + 1, i * 500 + 1}) {
      ASSERT_FALSE(store->events(room, from, from + 50, 50)->empty());
    }
    most = std::max(most, std::filesystem::file_size(dir + "/cache.db-wal"));
  }
  EXPECT_GT(most, 0u);
  EXPECT_LE(most, kWalBytesMax);
  EXPECT_EQ(store->events(room, 1, 100'001, 200'000)->size(), 100'000u);
}

}  // namespace
}  // namespace kith::client
