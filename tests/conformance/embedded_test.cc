// The embedded adapters against the suites of their ports, and what is theirs alone: files, faults
// and crashes.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/command_log_sqlite.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/embedded.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/services/record_codec.h"
#include "tests/conformance/bus_suite.h"
#include "tests/conformance/command_log_suite.h"
#include "tests/conformance/conversation_store_suite.h"
#include "tests/conformance/directory_suite.h"
#include "tests/conformance/session_registry_suite.h"

namespace kith::server {
namespace {

constexpr std::uint64_t kFewPages = 30;

class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "kith-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no scratch directory";
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

template <class T>
std::unique_ptr<T> opened(Result<std::unique_ptr<T>> result) {
  if (!result) ADD_FAILURE() << result.error().to_string();
  return result ? std::move(*result) : nullptr;
}

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
struct SqliteLog : Scheduled {
  ScratchDirectory dir;
  std::unique_ptr<CommandLog> open(std::uint64_t pages = 0) {
    return opened(CommandLogSqlite::open(dir.file("journal.db"), loop, pages));
  }
  std::unique_ptr<CommandLog> open_nearly_full() { return open(kFewPages); }
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
  std::unique_ptr<SessionRegistry> open() { return std::make_unique<SessionRegistryMemory>(); }
};
struct MemoryBus : Scheduled {
  std::unique_ptr<Bus> open() { return std::make_unique<BusMemory>(); }
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, CommandLogSuite, MemoryLog);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, CommandLogSuite, SqliteLog);
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, ConversationStoreSuite, MemoryStore);
INSTANTIATE_TYPED_TEST_SUITE_P(Sqlite, ConversationStoreSuite, SqliteStore);
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

TEST(Embedded, AJournalOfTheFirstReleaseIsReadAndContinued) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(CommandLogSqlite::open(dir.file("journal.db"), loop)); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(dir.file("journal.db").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "PRAGMA user_version=1", nullptr, nullptr, nullptr), SQLITE_OK);
  for (int pos = 1; pos <= 2; ++pos) {  // a record in each row
    const std::string bytes = encode_record(record_of(static_cast<std::uint64_t>(pos)));
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db, "INSERT INTO record(pos,record) VALUES(?1,?2)", -1, &insert, nullptr);
    sqlite3_bind_int(insert, 1, pos);
    sqlite3_bind_blob(insert, 2, bytes.data(), static_cast<int>(bytes.size()), SQLITE_TRANSIENT);
    ASSERT_EQ(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
  }
  sqlite3_close(db);
  auto log = opened(CommandLogSqlite::open(dir.file("journal.db"), loop));
  EXPECT_EQ(log->last(), 2u);
  ASSERT_TRUE(answer_of<LogEntry>(loop, [&](auto done) {
                log->append(record_of(3), std::move(done));
              }).ok());
  const auto entries = log->read(1, 10);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 2u);
  EXPECT_EQ(entries->front().position, 2u);
  EXPECT_EQ(entries->front().record.gateway_ts_ms, 2);
  EXPECT_EQ(entries->back().record.gateway_ts_ms, 3);
}

// What earlier versions had instead of the tables of today, and at its end their number.
#define EVENTS_OF_VERSION_3                                                           \
  "DROP TABLE event;"                                                                 \
  "CREATE TABLE event(conversation BLOB,seq INT,kind INT,message BLOB,sender BLOB,"   \
  "device BLOB,ts INT,ordinal INT,countable INT,sender_only INT,body BLOB,reply INT," \
  "mentions BLOB,client_ts INT,position INT,PRIMARY KEY(conversation,seq)) WITHOUT ROWID;"
constexpr const char* kStoreOfVersion3 = EVENTS_OF_VERSION_3
    "CREATE TABLE placement(message BLOB,conversation BLOB,sender BLOB,seq INT,ordinal INT,"
    "ts INT,position INT,PRIMARY KEY(message,conversation,sender)) WITHOUT ROWID;"
    "PRAGMA user_version=3;";
constexpr const char* kStoreOfVersion2 = EVENTS_OF_VERSION_3
    "DROP TABLE member; DROP TABLE feed;"
    "CREATE TABLE placement(conversation BLOB,sender BLOB,message BLOB,seq INT,ordinal INT,"
    "ts INT,position INT,PRIMARY KEY(conversation,sender,message)) WITHOUT ROWID;"
    "CREATE TABLE member(user BLOB,conversation BLOB,role INT,join_seq INT,left_seq INT,"
    "delivered INT,read INT,read_ordinal INT,public_read INT,sharing INT,feed_ver INT,"
    "PRIMARY KEY(user,conversation)) WITHOUT ROWID;"
    "CREATE INDEX member_feed ON member(user,feed_ver);"
    "CREATE INDEX member_conversation ON member(conversation,user);"
    "PRAGMA user_version=2;";

void execute(const std::string& path, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}

TEST(Embedded, AStoreOfTheSecondReleaseKeepsPlacesMembersAndFeeds) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  const char* const kUser = "0000000000000000000000000000000a";
  const char* const kRoom = "00000000000000000000000000000001";
  const char* const kMessage = "00000000000000000000000000000009";
  execute(dir.file("store.db"),
          std::string(kStoreOfVersion2) +
              "INSERT INTO conversation(id,large,last_position,last_seq) VALUES(x'" + kRoom +
              "',0,5,3);INSERT INTO member VALUES(x'" + kUser + "',x'" + kRoom +
              "',1,1,0,3,2,2,2,1,4);INSERT INTO event(conversation,seq,message,sender,ordinal,ts,"
              "position) VALUES(x'" +
              kRoom + "',3,x'" + kMessage + "',x'" + kUser + "',2,1000,5)");
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const ConversationId room = *ConversationId::parse(kRoom);
  const UserId user = *UserId::parse(kUser);
  const auto found =
      answer_of<std::optional<Conversation>>(loop, [&](auto done) { store->load(room, done); });
  ASSERT_TRUE(found.ok() && *found);
  ASSERT_EQ((*found)->members.size(), 1u);
  EXPECT_EQ((*found)->members[0].delivered_seq, 3u);
  EXPECT_EQ((*found)->members[0].feed_ver, 4u);
  const auto placed = answer_of<std::optional<Placement>>(
      loop, [&](auto done) { store->find(room, user, *MessageId::parse(kMessage), done); });
  ASSERT_TRUE(placed.ok() && *placed);
  EXPECT_EQ((*placed)->seq, 3u);
  EXPECT_EQ((*placed)->position, 5u);
  const auto changed = answer_of<std::vector<FeedEntry>>(
      loop, [&](auto done) { store->changed(user, 3, 10, done); });
  ASSERT_EQ(changed.value().size(), 1u);
  EXPECT_EQ(changed.value()[0].feed_ver, 4u);
}

TEST(Embedded, AStoreOfTheThirdReleaseKeepsItsHistoryAndPlaces) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  const std::string room = "00000000000000000000000000000001";
  const std::string user = "0000000000000000000000000000000a";
  std::string rows;
  for (const std::string seq : {"2", "1", "3"}) {
    rows += "INSERT INTO event VALUES(x'" + room + "'," + seq +
            ",1,x'0000000000000000000000000000000" + seq + "',x'" + user +
            "',x'0000000000000000000000000000000d',100" + seq + "," + seq + ",1,0,'text " + seq +
            "',0,x'" + user + "',-7,1" + seq + ");";
  }
  execute(dir.file("store.db"), kStoreOfVersion3 + rows);
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const ConversationId id = *ConversationId::parse(room);
  const auto events = answer_of<std::vector<Event>>(loop, [&](auto done) {
    store->events({id, 1, 0, 10, false}, done);
  });
  ASSERT_TRUE(events.ok());
  ASSERT_EQ(events->size(), 3u);
  EXPECT_EQ((*events)[0].seq, 1u);
  EXPECT_EQ((*events)[2].body, "text 3");
  EXPECT_EQ((*events)[2].mentions, std::vector<UserId>{*UserId::parse(user)});
  EXPECT_EQ((*events)[2].client_ts_ms, -7);
  const auto placed = answer_of<std::optional<Placement>>(loop, [&](auto done) {
    store->find(id, *UserId::parse(user), *MessageId::parse("00000000000000000000000000000002"),
                done);
  });
  ASSERT_TRUE(placed.ok() && *placed);
  EXPECT_EQ((*placed)->seq, 2u);
  EXPECT_EQ((*placed)->server_ts_ms, 1'002);
  EXPECT_EQ((*placed)->position, 12u);
}

TEST(Embedded, AStoreOfTheFirstReleaseFindsItsLargeConversations) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  { auto made = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop)); }
  execute(dir.file("store.db"),
          std::string(kStoreOfVersion2) +
              "DROP TABLE large_member; PRAGMA user_version=1;"
              "INSERT INTO conversation(id,large,last_position) VALUES"
              "(x'00000000000000000000000000000001',1,5),"
              "(x'00000000000000000000000000000002',0,6);"
              "INSERT INTO member(user,conversation,role) VALUES"
              "(x'0000000000000000000000000000000a',x'00000000000000000000000000000001',1),"
              "(x'0000000000000000000000000000000a',x'00000000000000000000000000000002',1),"
              "(x'0000000000000000000000000000000b',x'00000000000000000000000000000001',0)");
  auto store = opened(ConversationStoreSqlite::open(dir.file("store.db"), loop));
  const auto large = [&](const char* user) {
    return answer_of<std::vector<FeedEntry>>(
               loop, [&](auto done) { store->large(*UserId::parse(user), std::move(done)); })
        .value();
  };
  ASSERT_EQ(large("0000000000000000000000000000000a").size(), 1u);
  EXPECT_EQ(large("0000000000000000000000000000000a")[0].feed_ver, 5u);
  EXPECT_TRUE(large("0000000000000000000000000000000b").empty());
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
  for (const auto& file : std::filesystem::directory_iterator(data)) {
    ++files;
    EXPECT_EQ(mode_of(file.path()), perms::owner_read | perms::owner_write) << file.path();
  }
  EXPECT_GE(files, 7u);  // three databases, their write-ahead logs, the lock
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

TEST(CommandLogSqlite, CommitsWhatWasAppendedBeforeItIsClosed) {
  SqliteLog files;
  auto log = files.open();
  for (std::uint64_t i = 0; i < 10; ++i) log->append(record_of(i), [](Result<LogEntry>) {});
  log.reset();
  EXPECT_EQ(files.open()->last(), 10u);
}

TEST(CommandLogSqlite, ARecordBehindAnUntoldRefusalIsRefusedThoughItWouldFit) {
  SqliteLog files;
  auto log = files.open(kFewPages);
  std::vector<bool> accepted;
  const auto note = [&](const Result<LogEntry>& entry) { accepted.push_back(entry.ok()); };
  for (std::uint64_t i = 0; i < 100; ++i) log->append(record_of(i, 4'000), note);
  log->trim(0);  // wakes the writer, though the executor has not run yet
  while (log->pending() != 0) std::this_thread::yield();  // decided by the writer, not yet told
  log->append(record_of(100, 1), note);
  ASSERT_TRUE(files.loop.run_until([&] { return accepted.size() == 101; }));
  EXPECT_FALSE(accepted.back());
  const auto later = answer_of<LogEntry>(
      files.loop, [&](auto done) { log->append(record_of(101, 1), std::move(done)); });
  EXPECT_TRUE(later.ok());
}

std::uint64_t rows_of(const std::string& file) {
  sqlite3* db = nullptr;
  sqlite3_stmt* count = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_prepare_v2(db, "SELECT count(*) FROM record", -1, &count, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(count), SQLITE_ROW);
  const auto rows = static_cast<std::uint64_t>(sqlite3_column_int64(count, 0));
  sqlite3_finalize(count);
  sqlite3_close(db);
  return rows;
}

// Trims and waits until the file has that many rows; what it has after all.
std::uint64_t rows_after_trim(CommandLog& log, Position upto, const std::string& file,
                              std::uint64_t wanted) {
  log.trim(upto);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (rows_of(file) != wanted && std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
  return rows_of(file);
}

TEST(CommandLogSqlite, TrimmingDeletesWholeRowsAndKeepsTheOneThatIsStillNeeded) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  const std::string file = dir.file("journal.db");
  auto log = opened(CommandLogSqlite::open(file, loop));
  constexpr std::uint64_t kRows = 300;          // more than one transaction deletes
  for (std::uint64_t i = 1; i <= kRows; ++i) {  // as large as a row, so that each has one
    ASSERT_TRUE(answer_of<LogEntry>(loop, [&](auto done) {
                  log->append(record_of(i, 64 * 1024), std::move(done));
                }).ok());
  }
  ASSERT_EQ(rows_of(file), kRows);
  EXPECT_EQ(rows_after_trim(*log, 290, file, 10), 10U);
  EXPECT_EQ(log->read(290, 20)->size(), 10U);
  EXPECT_EQ(log->read(290, 20)->front().position, 291U);
  EXPECT_EQ(rows_after_trim(*log, kRows, file, 0), 0U);
  EXPECT_TRUE(log->read(kRows, 20)->empty());
  log.reset();
  log = opened(CommandLogSqlite::open(file, loop));
  EXPECT_EQ(log->last(), kRows) << "positions go on when the table is empty";
}

TEST(CommandLogSqlite, ARowThatIsTrimmedInItsMiddleStays) {
  ScratchDirectory dir;
  DrainedScheduler loop;
  const std::string file = dir.file("journal.db");
  auto log = opened(CommandLogSqlite::open(file, loop));
  constexpr std::uint64_t kCount = 1'000;
  std::uint64_t told = 0;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    log->append(record_of(i), [&](const Result<LogEntry>& entry) { told += entry ? 1 : 0; });
  }
  ASSERT_TRUE(loop.run_until([&] { return told == kCount; }));
  const std::uint64_t rows = rows_of(file);
  ASSERT_LT(rows, kCount / 2) << "packed";
  EXPECT_EQ(rows_after_trim(*log, kCount - 1, file, 1), 1U);
  const auto entries = log->read(kCount - 1, 10);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->front().position, kCount);
  EXPECT_EQ(log->last(), kCount);
}

TEST(SessionRegistryMemory, HasItsAnswersAtHand) {
  SessionRegistryMemory registry;
  ASSERT_NE(registry.at_hand(UserId::of("ann")), nullptr);
  EXPECT_TRUE(registry.at_hand(UserId::of("ann"))->empty());
  registry.add(UserId::of("ann"), {"g", 1, DeviceId()});
  EXPECT_EQ(registry.at_hand(UserId::of("ann"))->size(), 1u);
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
  EXPECT_EQ(store->applied().value(), 7u);
}

TEST(ConversationStoreMemory, ACrashLosesABatchThatWasNotAnswered) {
  MemoryStore memory;
  auto store = memory.open();
  StoreBatch batch;
  batch.position = 7;
  store->apply(std::make_shared<const StoreBatch>(batch),
               [](Status) { FAIL() << "it crashed before"; });
  store.reset();
  EXPECT_EQ(memory.open()->applied().value(), 0u);
}

}  // namespace
}  // namespace kith::server
