// A journal.db of an earlier release, taken over when its data directory is opened.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "kith/conformance/command_log_suite.h"
#include "server/adapters/embedded/embedded.h"
#include "server/records/record_codec.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {

using namespace conformance;

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CommandLogSuite);

namespace {

namespace fs = std::filesystem;

// journal.db as the releases wrote it that had one.
class OldJournal {
 public:
  explicit OldJournal(const std::string& file, int version = 2) {
    EXPECT_EQ(sqlite3_open(file.c_str(), &db_), SQLITE_OK);
    execute(
        "PRAGMA journal_mode=WAL;"
        "CREATE TABLE record(pos INTEGER PRIMARY KEY, record BLOB NOT NULL);"
        "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
        "INSERT INTO meta VALUES('trimmed',0),('repaired',0);"
        "PRAGMA user_version=" +
        std::to_string(version));
  }
  ~OldJournal() { sqlite3_close(db_); }
  OldJournal(const OldJournal&) = delete;
  OldJournal& operator=(const OldJournal&) = delete;

  void execute(const std::string& sql) {
    EXPECT_EQ(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(db_);
  }
  void put(Position first, const std::string& row) {
    sqlite3_stmt* insert = nullptr;
    sqlite3_prepare_v2(db_, "INSERT INTO record VALUES(?1,?2)", -1, &insert, nullptr);
    sqlite3_bind_int64(insert, 1, static_cast<sqlite3_int64>(first));
    sqlite3_bind_blob(insert, 2, row.data(), static_cast<int>(row.size()), SQLITE_TRANSIENT);
    EXPECT_EQ(sqlite3_step(insert), SQLITE_DONE);
    sqlite3_finalize(insert);
  }
  void put_packed(Position first, Position last, std::size_t size = 10) {
    RecordPacker row;
    for (Position at = first; at <= last; ++at) row.add(record_of(at, size));
    put(first, row.row());
  }
  // As a process leaves the file when it is killed: with its write-ahead log.
  void copy_to(const std::string& file) const {
    for (const std::string suffix : {"", "-wal", "-shm"}) {
      fs::copy(sqlite3_db_filename(db_, "main") + suffix, file + suffix);
    }
  }

 private:
  sqlite3* db_ = nullptr;
};

class JournalImport : public testing::Test {
 protected:
  void open() {
    stores_.reset();
    stores_ = opened(open_embedded(dir_.path(), loop_));
    ASSERT_TRUE(stores_);
  }
  // Finds `first` to `last` and nothing else, and goes on behind them; also when opened again.
  void expect_records(Position first, Position last) {
    for (int time = 0; time < 2; ++time) {
      open();
      CommandLog& log = stores_->log(0);
      EXPECT_EQ(log.last(), last);
      const auto entries = log.read(0, 1'000'000);
      ASSERT_TRUE(entries.ok()) << entries.error().to_string();
      ASSERT_EQ(entries->size(), last + 1 - first);
      for (const LogEntry& entry : *entries) {
        EXPECT_EQ(entry.position, first);
        EXPECT_EQ(entry.record.gateway_ts_ms, static_cast<std::int64_t>(first++));
      }
      first = last + 1 - entries->size();
      for (const char* suffix : {"", "-wal", "-shm"}) EXPECT_FALSE(fs::exists(old_ + suffix));
      EXPECT_FALSE(fs::exists(dir_.file("journal.new")));
    }
    const auto next = answer_of<LogEntry>(
        loop_, [&](auto done) { stores_->log(0).append(record_of(last + 1), std::move(done)); });
    ASSERT_TRUE(next.ok());
    EXPECT_EQ(next->position, last + 1);
  }
  Error refusal() {
    const auto refused = open_embedded(dir_.path(), loop_);
    return refused ? make_error(ErrorCode::kInternal, "opened") : refused.error();
  }

  ScratchDirectory dir_;
  const std::string old_ = dir_.file("journal.db");
  DrainedScheduler loop_;
  std::unique_ptr<EmbeddedStores> stores_;
};

TEST_F(JournalImport, RecordsKeepTheirPositions) {
  {
    OldJournal old(old_);
    old.execute("UPDATE meta SET value=4 WHERE key='trimmed'");
    old.put_packed(5, 7);
    old.put_packed(8, 8);
    old.put_packed(9, 20);
  }
  expect_records(5, 20);
}

TEST_F(JournalImport, TheFirstReleaseHadARecordInEachRow) {
  {
    OldJournal old(old_, 1);
    old.execute("BEGIN IMMEDIATE");
    for (Position at = 1; at <= 1'000; ++at) old.put(at, encode_record(record_of(at)));
    old.execute("COMMIT");
  }
  expect_records(1, 1'000);
}

TEST_F(JournalImport, AKilledProcessLeftItsWriteAheadLog) {
  {
    OldJournal old(dir_.file("elsewhere.db"));
    old.put_packed(1, 50);
    old.copy_to(old_);
  }
  ASSERT_TRUE(fs::exists(old_ + "-wal"));
  expect_records(1, 50);
}

TEST_F(JournalImport, MoreThanASegment) {
  {
    OldJournal old(old_);
    old.execute("BEGIN IMMEDIATE");
    for (Position at = 1; at <= 3'000; at += 10) old.put_packed(at, at + 9, 4'000);
    old.execute("COMMIT");
  }
  expect_records(1, 3'000);
}

TEST_F(JournalImport, PositionsGoOnWhereEverythingWasTrimmed) {
  {
    OldJournal old(old_);
    old.execute("UPDATE meta SET value=41 WHERE key='trimmed'");
  }
  open();
  EXPECT_TRUE(stores_->log(0).read(0, 10)->empty());
  expect_records(42, 41);
}

TEST_F(JournalImport, AProcessThatWasKilledAtItsFirstStartLeftAnEmptyFile) {
  std::ofstream(old_).close();
  expect_records(1, 0);
}

TEST_F(JournalImport, ACrashInBetweenRepeatsIt) {
  OldJournal old(dir_.file("elsewhere.db"));
  old.put_packed(1, 9);
  old.copy_to(old_);
  fs::create_directories(dir_.file("journal.new"));  // killed while it was filled
  std::ofstream(dir_.file("journal.new/00000000000000000001.log")) << "half a header";
  open();
  EXPECT_EQ(stores_->log(0).last(), 9u);
  stores_.reset();
  old.copy_to(old_);  // killed before it was removed
  open();
  ASSERT_TRUE(answer_of<LogEntry>(loop_, [&](auto done) {
                stores_->log(0).append(record_of(10), std::move(done));
              }).ok());
  stores_.reset();
  std::ofstream(old_ + "-wal") << "killed while it was removed";
  expect_records(1, 10);
}

TEST_F(JournalImport, AnOldJournalThatHasMoreIsNotRemoved) {
  open();
  stores_.reset();
  OldJournal(old_).put_packed(1, 3);
  EXPECT_EQ(refusal().code, ErrorCode::kCacheCorrupt);
  EXPECT_NE(refusal().message.find(old_), std::string::npos);
  EXPECT_TRUE(fs::exists(old_));
}

TEST_F(JournalImport, WhatCannotBeReadStaysAsItIs) {
  OldJournal(old_, 99).put_packed(1, 3);
  EXPECT_EQ(refusal().code, ErrorCode::kCacheTooNew);
  fs::remove(old_);
  {
    OldJournal old(old_);
    old.put_packed(1, 3);
    old.put_packed(5, 6);  // one is missing
  }
  EXPECT_EQ(refusal().code, ErrorCode::kCacheCorrupt);
  EXPECT_NE(refusal().message.find(old_), std::string::npos);
  EXPECT_TRUE(fs::exists(old_));
  EXPECT_FALSE(fs::exists(dir_.file("journal")));
  EXPECT_FALSE(fs::exists(dir_.file("journal.new")));
}

}  // namespace
}  // namespace kith::server
