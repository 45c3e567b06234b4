// The cache under load: a second writer beside it, and a long run with readers.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "client/cache_store_sqlite.h"

namespace kith::client {
namespace {

constexpr std::uintmax_t kWalBytesMax = 16 * 1024 * 1024;

class CacheLoad : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kith-cache-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
    auto opened = open_cache_store_sqlite(dir);
    ASSERT_TRUE(opened.ok());
    store = std::move(*opened);
  }
  void TearDown() override {
    store.reset();
    std::filesystem::remove_all(dir);
  }
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

  std::string dir;
  std::unique_ptr<CacheStore> store;
  const ConversationId room = ConversationId::direct(UserId::of("a"), UserId::of("b"));
};

TEST_F(CacheLoad, AnotherWriterDelaysButNothingFails) {
  std::atomic<bool> over = false;
  std::atomic<int> written = 0;
  std::thread other([&] {  // somebody repairs the file with another tool
    sqlite3* db = nullptr;
    if (sqlite3_open((dir + "/cache.db").c_str(), &db) == SQLITE_OK) {
      sqlite3_busy_timeout(db, 5'000);
      const char* write =
          "BEGIN IMMEDIATE; INSERT OR REPLACE INTO kv VALUES('other', randomblob(9999)); COMMIT";
      const char* read = "SELECT sum(length(bytes)) FROM event";
      while (!over) {
        written += sqlite3_exec(db, write, nullptr, nullptr, nullptr) == SQLITE_OK;
        sqlite3_exec(db, read, nullptr, nullptr, nullptr);
      }
    }
    sqlite3_close(db);
  });
  for (std::uint64_t i = 0; i < 300; ++i) {
    const Status stored = store->commit(page(1 + i, 1));
    EXPECT_TRUE(stored.ok()) << stored.error().to_string();
  }
  over = true;
  other.join();
  EXPECT_GT(written, 0);
  EXPECT_EQ(store->events(room, 1, 1'000, 1'000)->size(), 300u);
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
