// Takes the records of an earlier release's journal.db over into the journal of files.
#include "server/adapters/embedded/journal_import_sqlite.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "server/records/record_codec.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {

namespace {

namespace fs = std::filesystem;

constexpr int kSchemaVersion = 2;
constexpr const char* kUpgrade = "";  // from version 1, which had a record in each row
// `pos`: the position of the first record of the row.
// `trimmed`: the highest position that was ever deleted.
constexpr const char* kSchema =
    "CREATE TABLE record(pos INTEGER PRIMARY KEY, record BLOB NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('trimmed',0),('repaired',0)";
// Rows in one sync of the new journal.
constexpr std::size_t kRowsInCommit = 256;

Error damaged(const std::string& file, const std::string& what) {
  return make_error(ErrorCode::kCacheCorrupt, file + ": " + what);
}

// Its schema is made if the process that created the file came no further.
Result<std::unique_ptr<Database>> open_old(const std::string& file) {
  Database::Options options{file, kSchemaVersion, kSchema};
  options.upgrades = {kUpgrade};
  return Database::open(options);
}

Result<Position> trimmed_of(Database& db) {
  Position trimmed = 0;
  Query query = db.query("SELECT value FROM meta WHERE key='trimmed'");
  if (query.next()) trimmed = query.number(0);
  if (auto status = query.status(); !status) return status.error();
  return trimmed;
}

Result<Position> last_of(Database& db) {
  const auto trimmed = trimmed_of(db);
  if (!trimmed) return trimmed;
  Position last = *trimmed;
  Query row = db.query("SELECT pos,record FROM record ORDER BY pos DESC LIMIT 1");
  if (row.next()) {
    last = std::max(last, row.number(0) + unpack_records(row.bytes(1)).size() - 1);
  }
  if (auto status = row.status(); !status) return status.error();
  return last;
}

Status copy(Database& db, const std::string& file, const std::string& to) {
  const auto trimmed = trimmed_of(db);
  if (!trimmed) return trimmed.error();
  auto folder = open_log_folder(to);
  if (!folder) return folder.error();
  std::unique_ptr<LogSegments> log;
  const auto begin = [&](Position after) -> Status {
    auto made = LogSegments::open(std::move(*folder), LogSegments::Options(), after);
    if (!made) return made.error();
    log = std::move(*made);
    return {};
  };
  Position next = 0;
  std::size_t rows = 0;
  Query query = db.query("SELECT pos,record FROM record ORDER BY pos");
  for (; query.next(); ++rows) {
    const Position first = query.number(0);
    if (log == nullptr) {
      if (auto begun = begin(first - 1); !begun) return begun;
      next = first;
    }
    const std::string row = query.bytes(1);
    const auto records = unpack_records(row);
    if (records.empty() || first != next) {
      return damaged(file, "journal record " + std::to_string(next) + " is not readable");
    }
    log->add(first, static_cast<std::uint32_t>(records.size()), row);
    next += records.size();
    if ((rows + 1) % kRowsInCommit != 0) continue;
    if (auto done = log->commit(); !done) return done;
  }
  if (auto status = query.status(); !status) return status;
  if (log == nullptr) return begin(*trimmed);
  return log->commit();
}

bool has_segments(const std::string& journal) {
  std::error_code ignored;
  fs::directory_iterator entry(journal, ignored);
  for (; !ignored && entry != fs::directory_iterator(); entry.increment(ignored)) {
    if (entry->path().extension() == ".log") return true;
  }
  return false;
}

// Into a directory of another name, which gets its own when everything in it is durable.
Status take_over(const std::string& dir, const std::string& old, const std::string& journal) {
  const std::string unfinished = journal + ".new";
  std::error_code failed;
  fs::remove_all(unfinished, failed);  // of a process that was killed here
  if (failed) return make_error(ErrorCode::kIo, unfinished + ": " + failed.message());
  {
    const auto db = open_old(old);
    if (!db) return db.error();
    if (auto copied = copy(**db, old, unfinished); !copied) {
      fs::remove_all(unfinished, failed);
      return copied;
    }
  }
  fs::rename(unfinished, journal, failed);
  if (failed) return make_error(ErrorCode::kIo, journal + ": " + failed.message());
  return sync_directory(dir);
}

// Nothing of it is needed any more. Only if it is what was taken over: a file that somebody put
// there later is not for us to remove.
Status remove_old(const std::string& old, Position last) {
  std::error_code failed;
  if (fs::exists(old, failed)) {
    const auto db = open_old(old);
    if (!db) return db.error();
    const auto old_last = last_of(**db);
    if (!old_last) return old_last.error();
    if (*old_last > last) return damaged(old, "it has records that the directory journal has not");
  }
  for (const char* suffix : {"", "-wal", "-shm"}) fs::remove(old + suffix, failed);
  return {};
}

}  // namespace

Result<std::unique_ptr<CommandLogFile>> open_journal(const std::string& dir, Executor& executor) {
  const std::string journal = dir + "/journal";
  const std::string old = journal + ".db";
  std::error_code failed;
  const bool there = fs::exists(old, failed);
  if (failed) return make_error(ErrorCode::kIo, old + ": " + failed.message());
  if (there && !has_segments(journal)) {
    if (auto taken = take_over(dir, old, journal); !taken) return taken.error();
  }
  auto log = CommandLogFile::open(journal, executor);
  if (!log) return log;
  if (auto removed = remove_old(old, (*log)->last()); !removed) return removed.error();
  return log;
}

}  // namespace kith::server
