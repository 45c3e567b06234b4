// The embedded adapters against the suites of their ports, and what is theirs alone: files, faults
// and crashes.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "kith/conformance/bus_suite.h"
#include "kith/conformance/command_log_suite.h"
#include "kith/conformance/conversation_store_suite.h"
#include "kith/conformance/directory_suite.h"
#include "kith/conformance/feed_store_suite.h"
#include "kith/conformance/session_registry_suite.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_file.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/embedded.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/feed_store_sqlite.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "tests/conformance/faulty_folder.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

using namespace conformance;

constexpr std::uint64_t kFewPages = 30;

struct Scheduled {
  DrainedScheduler loop;
  DrainedScheduler& scheduler() { return loop; }
};

struct MemoryLog : Scheduled {
  std::shared_ptr<CommandLogMemory::Disk> disk = std::make_shared<CommandLogMemory::Disk>();
  std::unique_ptr<CommandLog> open() {
    disk->commit_fault = nullptr;
    return std::make_unique<CommandLogMemory>(disk, loop);
  }
  std::unique_ptr<CommandLog> open_nearly_full() {
    disk->commit_fault = [this]() -> std::optional<Error> {
      if (disk->last < 5) return std::nullopt;
      return make_error(ErrorCode::kDiskFull, "full");
    };
    return std::make_unique<CommandLogMemory>(disk, loop);
  }
};
struct FileLog : Scheduled {
  ScratchDirectory dir;
  std::unique_ptr<CommandLog> open() {
    return opened(CommandLogFile::open(dir.file("journal"), loop));
  }
  std::unique_ptr<CommandLog> open_nearly_full() {
    auto folder = std::make_unique<FaultyFolder>(dir.file("journal"));
    folder->faults().bytes_max = kFewPages * 4'096;
    return opened(CommandLogFile::open(std::move(folder), loop, LogSegments::Options()));
  }
};
struct MemoryStore : Scheduled {
  std::shared_ptr<ConversationStoreMemory::Disk> disk =
      std::make_shared<ConversationStoreMemory::Disk>();
  std::unique_ptr<ConversationStore> open() {
    disk->apply_fault = nullptr;
    return std::make_unique<ConversationStoreMemory>(disk, loop);
  }
  std::unique_ptr<ConversationStore> open_nearly_full() {
    disk->apply_fault = [this]() -> std::optional<ConversationStoreMemory::ApplyFault> {
      if (disk->applied != 4) return std::nullopt;  // once: the next batch would fit
      return ConversationStoreMemory::ApplyFault{make_error(ErrorCode::kDiskFull, "full"), false};
    };
    return std::make_unique<ConversationStoreMemory>(disk, loop);
  }
};
struct SqliteStore : Scheduled {
  ScratchDirectory dir;
  std::unique_ptr<ConversationStore> open(std::uint64_t pages = 0) {
    return opened(ConversationStoreSqlite::open(dir.file("store.db"), loop, pages));
  }
  std::unique_ptr<ConversationStore> open_nearly_full() { return open(kFewPages); }
};
struct MemoryFeeds : Scheduled {
  std::shared_ptr<FeedStoreMemory::Disk> disk = std::make_shared<FeedStoreMemory::Disk>();
  std::unique_ptr<FeedStore> open() {
    disk->apply_fault = nullptr;
    return std::make_unique<FeedStoreMemory>(disk, loop);
  }
  std::unique_ptr<FeedStore> open_nearly_full() {
    disk->apply_fault = [this]() -> std::optional<FeedStoreMemory::ApplyFault> {
      if (disk->users.empty() || failed) return std::nullopt;  // once: the next batch would fit
      failed = true;
      return FeedStoreMemory::ApplyFault{make_error(ErrorCode::kDiskFull, "full"), false};
    };
    return std::make_unique<FeedStoreMemory>(disk, loop);
  }
  bool failed = false;
};
struct SqliteFeeds : Scheduled {
  ScratchDirectory dir;
  std::unique_ptr<FeedStore> open(std::uint64_t pages = 0) {
    return opened(FeedStoreSqlite::open(dir.file("feed.db"), "", loop, pages));
  }
  std::unique_ptr<FeedStore> open_nearly_full() { return open(kFewPages); }
};
struct MemoryDirectory : Scheduled {
  std::shared_ptr<DirectoryMemory::Disk> disk = std::make_shared<DirectoryMemory::Disk>();
  std::unique_ptr<Directory> open() { return std::make_unique<DirectoryMemory>(disk, loop); }
};
struct SqliteDirectory : Scheduled {
  ScratchDirectory dir;
  std::unique_ptr<Directory> open() {
    return opened(DirectorySqlite::open(dir.file("users.db"), loop));
  }
};
struct MemoryRegistry : Scheduled {
  std::unique_ptr<SessionRegistry> open() { return std::make_unique<SessionRegistryMemory>(loop); }
  static void lose_all(SessionRegistry& registry) {
    dynamic_cast<SessionRegistryMemory&>(registry).lose_all();
  }
};
struct LosingBus : BusMemory {
  using BusMemory::notify_lost;
};
struct MemoryBus : Scheduled {
  std::unique_ptr<Bus> open() { return std::make_unique<LosingBus>(); }
  static void lose(Bus& bus, const std::string& gateway) {
    dynamic_cast<LosingBus&>(bus).notify_lost(gateway);
  }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, CommandLogSuite, MemoryLog);
INSTANTIATE_TYPED_TEST_SUITE_P(File, CommandLogSuite, FileLog);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ConversationStoreSuite, MemoryStore);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, ConversationStoreSuite, SqliteStore);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, FeedStoreSuite, MemoryFeeds);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, FeedStoreSuite, SqliteFeeds);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, DirectorySuite, MemoryDirectory);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, DirectorySuite, SqliteDirectory);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, SessionRegistrySuite, MemoryRegistry);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BusSuite, MemoryBus);

TEST(Embedded, ASecondOpenerIsToldThatTheDirectoryIsInUse) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  auto first = open_embedded(dir.file("data"), loop);
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  const auto second = open_embedded(dir.file("data"), loop);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, ErrorCode::kAlreadyOpen);
  first->reset();
  EXPECT_TRUE(open_embedded(dir.file("data"), loop).ok());
}

TEST(Embedded, ANewerSchemaIsRefusedAndLeftAlone) {
  for (const char* name : {"journal.db", "store.db", "users.db"}) {
    ScratchDirectory dir;
    DrainedScheduler loop;
    ASSERT_TRUE(open_embedded(dir.path(), loop).ok());
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(dir.file(name).c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    const auto refused = open_embedded(dir.path(), loop);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kCacheTooNew) << refused.error().to_string();
    EXPECT_NE(refused.error().message.find(name), std::string::npos);
  }
}

TEST(Embedded, ADamagedFileIsATypedError) {
  for (const char* name : {"journal.db", "store.db", "users.db"}) {
    ScratchDirectory dir;
    DrainedScheduler loop;
    const std::string noise(8'192, 'z');
    std::ofstream(dir.file(name)) << noise;
    const auto refused = open_embedded(dir.path(), loop);
    ASSERT_FALSE(refused.ok()) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kCacheCorrupt) << refused.error().to_string();
    EXPECT_EQ(std::filesystem::file_size(dir.file(name)), noise.size());  // kept for repair
  }
}

TEST(Embedded, UsersWhoFitAreCreatedWhenTheDiskFillsUpAmongMany) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  constexpr std::size_t kAsked = 2'000;
  std::size_t answered = 0;
  std::vector<bool> created(kAsked);
  {
    auto directory = opened(DirectorySqlite::open(dir.file("users.db"), loop, kFewPages));
    for (std::size_t i = 0; i < kAsked; ++i) {
      directory->create({"user" + std::to_string(i), std::string(100, 'n'), ""}, [&, i](Status s) {
        ++answered;
        created[i] = s.ok();
        if (!s) {
          EXPECT_EQ(s.error().code, ErrorCode::kDiskFull) << s.error().to_string();
        }
      });
    }
    ASSERT_TRUE(loop.run_until([&] { return answered == kAsked; }));
  }
  EXPECT_TRUE(created.front());
  EXPECT_FALSE(created.back());
  auto directory = opened(DirectorySqlite::open(dir.file("users.db"), loop));
  for (std::size_t i = 0; i < kAsked; ++i) {
    const auto found = answer_of<std::optional<UserRecord>>(loop, [&](auto done) {
      directory->load(UserId::of("user" + std::to_string(i)), std::move(done));
    });
    ASSERT_EQ(found->has_value(), created[i]) << i;
  }
}

std::filesystem::perms mode_of(const std::string& path) {
  return std::filesystem::status(path).permissions();
}

TEST(Embedded, EverythingIsForTheOwnerAlone) {
  using std::filesystem::perms;
  ScratchDirectory dir;
  DrainedScheduler loop;
  const std::string data = dir.file("data");
  std::filesystem::create_directories(data);
  std::ofstream(data + "/users.db").close();  // of an earlier release, readable for all
  std::filesystem::permissions(data + "/users.db", perms::owner_all | perms::others_read);
  const auto stores = opened(open_embedded(data, loop));
  ASSERT_TRUE(stores);
  std::size_t files = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(data)) {
    ++files;
    const perms wanted = perms::owner_read | perms::owner_write |
                         (file.is_directory() ? perms::owner_exec : perms::none);
    EXPECT_EQ(mode_of(file.path()), wanted) << file.path();
  }
  EXPECT_GE(files, 7u);  // two databases, their write-ahead logs, the journal with a file, the lock
  const auto fresh = opened(open_embedded(dir.file("new/data"), loop));
  EXPECT_EQ(mode_of(dir.file("new/data")), perms::owner_all);
}

TEST(Embedded, ADirectoryThatCannotBeMadeIsAnIoError) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  std::ofstream(dir.file("file")) << "x";
  const auto refused = open_embedded(dir.file("file/data"), loop);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kIo);
}

TEST(SessionRegistryMemory, HasItsAnswersAtHand) {
  DrainedScheduler loop;
  SessionRegistryMemory registry(loop);
  ASSERT_NE(registry.cached(UserId::of("ann")), nullptr);
  EXPECT_TRUE(registry.cached(UserId::of("ann"))->empty());
  registry.add(UserId::of("ann"), {"g", 1, DeviceId()}, [](const Status&) {});
  EXPECT_EQ(registry.cached(UserId::of("ann"))->size(), 1u);
}

TEST(CommandLogMemory, AFailedCommitRefusesWhatWaitsBehindIt) {
  MemoryLog memory;
  auto log = memory.open();
  bool failed = false;
  memory.disk->commit_fault = [&]() -> std::optional<Error> {
    if (std::exchange(failed, true)) return std::nullopt;
    return make_error(ErrorCode::kDiskFull, "full");
  };
  std::size_t refused = 0;
  const std::size_t count = limits::journal_batch_max + 1;  // two commits
  for (std::size_t i = 0; i < count; ++i) {
    log->append(record_of(i), [&](const Result<LogEntry>& entry) { refused += entry ? 0 : 1; });
  }
  ASSERT_TRUE(memory.loop.run_until([&] { return refused == count; }));
  EXPECT_EQ(log->last(), 0u);
  EXPECT_TRUE(answer_of<LogEntry>(memory.loop, [&](auto done) {
                log->append(record_of(1), std::move(done));
              }).ok());
}

TEST(CommandLogMemory, ACrashLosesWhatWasNotCommitted) {
  MemoryLog memory;
  auto log = memory.open();
  log->append(record_of(1), [](Result<LogEntry>) { FAIL() << "it crashed before"; });
  log.reset();
  EXPECT_EQ(memory.open()->last(), 0u);
}

TEST(CommandLogMemory, ACrashMayKeepWhatNobodyWasToldOf) {
  MemoryLog memory;
  auto log = memory.open();
  memory.disk->survives_crash = [](std::size_t waiting) { return waiting - 1; };
  for (std::uint64_t i = 1; i <= 3; ++i) log->append(record_of(i), [](Result<LogEntry>) {});
  log.reset();
  EXPECT_EQ(memory.open()->last(), 2u);
}

TEST(ConversationStoreMemory, AnUnknownOutcomeIsStoredAndReportedAsAFailure) {
  MemoryStore memory;
  auto store = memory.open();
  memory.disk->apply_fault = [] {
    return std::optional(
        ConversationStoreMemory::ApplyFault{make_error(ErrorCode::kIo, "lost answer"), true});
  };
  StoreBatch batch;
  batch.position = 7;
  const auto status = answer_of<void>(memory.loop, [&](auto done) {
    store->apply(std::make_shared<const StoreBatch>(batch), std::move(done));
  });
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(store->applied()->position, 7u);
}

TEST(ConversationStoreMemory, ACrashLosesABatchThatWasNotAnswered) {
  MemoryStore memory;
  auto store = memory.open();
  StoreBatch batch;
  batch.position = 7;
  store->apply(std::make_shared<const StoreBatch>(batch),
               [](Status) { FAIL() << "it crashed before"; });
  store.reset();
  EXPECT_EQ(memory.open()->applied()->position, 0u);
}

}  // namespace
}  // namespace kith::server
