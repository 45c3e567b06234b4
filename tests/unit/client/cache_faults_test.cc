// a full disk, a cache that another process holds, that is damaged or of a later release:
// each its own error, and nothing lost.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "client/cache_store_sqlite.h"
#include "kith/client/client.h"
#include "tests/scratch_directory.h"
#include "tests/unit/client/full_disk_sqlite.h"

namespace kith::client {
namespace {

class CacheFaults : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Client>> open() const {
    ClientOptions options;
    options.url = "ws://127.0.0.1:1/v1/ws";
    options.handle = "alice";
    options.token = fixed_token("token");
    options.cache_dir = dir;
    return Client::open(options);
  }
  static std::vector<std::string> waiting(Client& client) {
    std::vector<std::string> texts;
    for (const Conversation& c : client.conversations()) texts.push_back(c.last.text);
    return texts;
  }
  // Sends to somebody new each time, so that each is the last message of its conversation.
  Result<MessageId> send(Client& client, const std::string& text) {
    return client.send(client.direct("somebody" + std::to_string(++people)), text);
  }
  void version(const std::string& file, int number) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((dir + file).c_str(), &db), SQLITE_OK);
    const std::string sql = "PRAGMA user_version=" + std::to_string(number);
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
  }
  void damage(const std::string& file) const {
    std::filesystem::remove(dir + file + "-wal");
    std::ofstream(dir + file, std::ios::trunc) << std::string(8192, 'x');
  }

  const test::ScratchDirectory scratch;
  std::string dir = scratch.path();
  int people = 0;
};

TEST_F(CacheFaults, FullDiskRefusesTheMessageAndKeepsTheOthers) {
  FullDisk disk;
  {
    const auto client = open();
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    ASSERT_TRUE(send(**client, "before").ok());
    disk.fill(true);
    const auto refused = send(**client, "refused");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kDiskFull);
    EXPECT_GT(disk.refused(), 0);
    EXPECT_EQ(waiting(**client), std::vector<std::string>{"before"});
    disk.fill(false);
    EXPECT_TRUE(send(**client, "after").ok());
  }
  const auto again = open();
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(waiting(**again), (std::vector<std::string>{"after", "before"}));
}

TEST_F(CacheFaults, ChangeOfBothFilesIsWholeThoughOneOfThemIsFull) {
  const ConversationId room = ConversationId::direct(UserId::of("a"), UserId::of("b"));
  OutboxRow row;
  row.conversation = room;
  row.id = MessageId(std::array<std::uint8_t, 16>{1});
  row.payload = "payload";
  FullDisk disk;
  {
    const auto store = open_cache_store_sqlite(dir);
    ASSERT_TRUE(store.ok());
    CacheChange sent;
    sent.outbox_put.push_back(row);
    ASSERT_TRUE((*store)->commit(sent).ok());
    CacheChange placed;
    placed.events.push_back({room, 1, row.id, 1, "bytes"});
    placed.outbox_remove.push_back(row.id);
    disk.fill(true, "outbox.db");
    EXPECT_TRUE((*store)->commit(placed).ok());
    EXPECT_GT(disk.refused(), 0);
    EXPECT_TRUE((*store)->load()->outbox.empty());
    CacheChange more;  // what is owed comes first
    more.events.push_back({room, 2, MessageId(std::array<std::uint8_t, 16>{2}), 2, "bytes"});
    EXPECT_EQ((*store)->commit(more).error().code, ErrorCode::kDiskFull);
    EXPECT_EQ((*store)->events(room, 1, 9, 9)->size(), 1u);
    disk.fill(false);
    EXPECT_TRUE((*store)->commit(more).ok());
    EXPECT_EQ((*store)->events(room, 1, 9, 9)->size(), 2u);
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((dir + "/outbox.db").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(
                db, "SELECT * FROM outbox", [](void*, int, char**, char**) { return 1; }, nullptr,
                nullptr),
            SQLITE_OK);  // no row is left
  sqlite3_close(db);
}

TEST_F(CacheFaults, GroupThatCannotBeQueuedIsNotShown) {
  FullDisk disk;
  {
    const auto client = open();
    ASSERT_TRUE(client.ok());
    disk.fill(true, "outbox.db");
    const auto refused = (*client)->create_group("nobody's", {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kDiskFull);
    disk.fill(false);
    ASSERT_TRUE((*client)->create_group("ours", {}).ok());
  }
  const auto store = open_cache_store_sqlite(dir);
  ASSERT_TRUE(store.ok());
  const auto content = (*store)->load();
  ASSERT_EQ(content->conversations.size(), 1u);
  EXPECT_EQ(content->conversations.begin()->second.title, "ours");
}

TEST_F(CacheFaults, FullDiskAtOpenIsNamed) {
  FullDisk disk;
  disk.fill(true);
  const auto client = open();
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kDiskFull);
  disk.fill(false);
  EXPECT_TRUE(open().ok());
}

TEST_F(CacheFaults, WhatIsThereCanBeReadOnAFullDisk) {
  ASSERT_TRUE(send(**open(), "written when there was room").ok());
  FullDisk disk;
  disk.fill(true);
  {
    const auto client = open();
    ASSERT_TRUE(client.ok()) << client.error().to_string();
    EXPECT_EQ(waiting(**client), std::vector<std::string>{"written when there was room"});
    const auto refused = send(**client, "no room");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code, ErrorCode::kDiskFull);
    disk.fill(false);
    EXPECT_TRUE(send(**client, "room again").ok());
  }
  const auto client = open();
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  EXPECT_EQ(waiting(**client).size(), 2u);
}

TEST_F(CacheFaults, AnotherProcessHoldsTheCacheUntilItDies) {
  int told[2];
  ASSERT_EQ(pipe(told), 0);
  const pid_t other = fork();
  if (other == 0) {
    const auto store = open_cache_store_sqlite(dir);
    const char answer = store.ok() ? '1' : '0';
    if (write(told[1], &answer, 1) == 1) pause();
    _exit(1);
  }
  char answer = 0;
  ASSERT_EQ(read(told[0], &answer, 1), 1);
  ASSERT_EQ(answer, '1');
  const auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kAlreadyOpen);
  kill(other, SIGKILL);
  waitpid(other, nullptr, 0);
  EXPECT_TRUE(open().ok());
  close(told[0]);
  close(told[1]);
}

TEST_F(CacheFaults, DamagedCacheIsRebuiltAndTheOutboxKept) {
  ASSERT_TRUE(send(**open(), "kept").ok());
  damage("/cache.db");
  const auto client = open();
  ASSERT_TRUE(client.ok());
  EXPECT_EQ(waiting(**client), std::vector<std::string>{"kept"});
  EXPECT_TRUE(std::filesystem::exists(dir + "/cache.db.corrupt"));
}

TEST_F(CacheFaults, DamagedOutboxIsNamedAndLeftAsItIs) {
  ASSERT_TRUE(send(**open(), "perhaps lost").ok());
  damage("/outbox.db");
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto client = open();
    ASSERT_FALSE(client.ok());
    EXPECT_EQ(client.error().code, ErrorCode::kCacheCorrupt);
  }
  EXPECT_EQ(std::filesystem::file_size(dir + "/outbox.db"), 8192u);
}

TEST_F(CacheFaults, LaterReleaseIsNamedForBothFiles) {
  ASSERT_TRUE(open().ok());
  version("/cache.db", 99);
  EXPECT_EQ(open().error().code, ErrorCode::kCacheTooNew);
  version("/cache.db", 1);
  ASSERT_TRUE(open().ok());
  version("/outbox.db", 99);
  EXPECT_EQ(open().error().code, ErrorCode::kCacheTooNew);
}

TEST_F(CacheFaults, DirectoryThatCannotBeMadeIsNamed) {
  std::ofstream(dir + "/file") << "no directory";
  dir += "/file/below";
  EXPECT_EQ(open().error().code, ErrorCode::kIo);
}

}  // namespace
}  // namespace kith::client
