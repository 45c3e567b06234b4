// Database on SQLite's C interface.
#include "client/database_sqlite.h"

#include <utility>

namespace kith::client {
namespace {

constexpr int kBusyPauseMs = 3;  // at most, each time; see on_busy()

}  // namespace

Error sqlite_error(sqlite3* db, int rc, const std::string& what) {
  const std::string text = what + ": " + (db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
  // The index of the write-ahead log could not grow, which SQLite calls an input or output error.
  if (rc == SQLITE_IOERR_SHMSIZE) return make_error(ErrorCode::kDiskFull, text);
  switch (rc & 0xff) {
    case SQLITE_FULL:
      return make_error(ErrorCode::kDiskFull, text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return make_error(ErrorCode::kCacheCorrupt, text);
    case SQLITE_BUSY:
    case SQLITE_PROTOCOL:  // the same, noticed while the write-ahead log was being opened
      return make_error(ErrorCode::kAlreadyOpen, text);
    default:
      return make_error(ErrorCode::kIo, text);
  }
}

// SQLite has no queue for writers, and its own waiting grows to 100 ms a time: somebody who writes
// without a pause lets such a waiter through once in minutes. Many short pauses of random length
// meet a gap soon.
int Database::on_busy(void* self, int times) {
  auto& me = *static_cast<Database*>(self);
  const std::int64_t now = system_clock().steady_ms();
  if (times == 0) me.busy_since_ms_ = now;
  if (now - me.busy_since_ms_ >= me.patience_.count()) return 0;
  unsigned char random = 0;
  sqlite3_randomness(1, &random);
  sqlite3_sleep(1 + random % kBusyPauseMs);
  return 1;
}

// The index of the write-ahead log is a file for all processes; where a full disk has no room for it, this process
// keeps the database for itself and the index in memory, so that what is there can be read.
Status Database::open_log(const std::string& path) {
  Status opened = connect(path);
  if (!opened) return opened;
  opened = exec("PRAGMA journal_mode=WAL");
  if (opened || opened.error().code != ErrorCode::kDiskFull) return opened;
  close();
  if (Status s = connect(path); !s) return s;
  return exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL");
}

Status Database::connect(const std::string& path) {
  const int rc =
      sqlite3_open_v2(path.c_str(), &db_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  if (rc != SQLITE_OK) return sqlite_error(db_, rc, path);
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_handler(db_, &Database::on_busy, this);
  return {};
}

Status Database::open(const std::string& path, const char* synchronous, const Schema& schema) {
  path_ = path;
  if (Status s = open_log(path); !s) return s;
  if (Status s = exec("PRAGMA journal_size_limit=4194304"); !s)
    return s;  // a burst does not keep its disk space
  if (Status s = exec(std::string("PRAGMA synchronous=") + synchronous); !s) return s;
  const auto found = version_in_file();
  if (!found) return found.error();
  if (*found > schema.version) {
    return make_error(ErrorCode::kCacheTooNew,
                      path + " was written by a later release (version " + std::to_string(*found) +
                          ", this release reads " + std::to_string(schema.version) + ")");
  }
  if (*found == schema.version) return {};
  if (*found > 0 && schema.refuse_if != nullptr) {
    bool old = false;
    if (Status s = each(schema.refuse_if, [&](const Row&) { old = true; }); !s) return s;
    if (old) {
      return make_error(
          ErrorCode::kCacheTooOld,
          path +
              " was written by an earlier release, whose conversation ids do not tell "
              "their type; this release does not take it over: remove the directory");
    }
  }
  return bring_up(*found, schema);
}

// In one transaction: a crash leaves the old version or the new one.
Status Database::bring_up(int found, const Schema& schema) {
  std::string sql = "BEGIN IMMEDIATE;";
  for (int version = found; version > 0 && version < schema.version; ++version)
    sql += schema.upgrades.at(static_cast<std::size_t>(version) - 1);
  sql += schema.tables;
  sql += "PRAGMA user_version=" + std::to_string(schema.version) + ";COMMIT";
  Status done = exec(sql);
  if (!done) (void)sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  return done;
}

Result<int> Database::version_in_file() {
  Row row(prepare("PRAGMA user_version"));
  const int rc = row.step();
  if (rc != SQLITE_ROW) return sqlite_error(db_, rc, path_);
  return row.get<int>(0);
}

void Database::close() {
  for (auto& [text, statement] : statements_) sqlite3_finalize(statement);
  statements_.clear();
  if (db_) sqlite3_close_v2(db_);
  db_ = nullptr;
}

Status Database::exec(const std::string& sql) {
  const int rc = sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return sqlite_error(db_, rc, path_);
  return {};
}

Prepared Database::prepare(const char* sql) {
  auto& statement = statements_[sql];
  if (statement) return {statement};
  const int rc = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return {statement, or_damage(rc)};
}

int Database::run(Row& row) {
  // SQLite may have rolled back already: what follows would be kept without the rest.
  if (failure_ != SQLITE_OK) return failure_;
  const int rc = row.step();
  if (rc != SQLITE_DONE && rc != SQLITE_ROW) failure_ = rc;
  return rc;
}

Status Database::transaction(const std::function<void()>& body) {
  if (Status s = exec("BEGIN IMMEDIATE"); !s) return s;
  failure_ = SQLITE_OK;
  body();
  Status result;
  if (failure_ != SQLITE_OK) result = sqlite_error(db_, std::exchange(failure_, SQLITE_OK), path_);
  if (result) {  // what the index has gathered is written now
    const int rc = or_damage(sqlite3_exec(db_, "COMMIT", nullptr, nullptr, nullptr));
    if (rc != SQLITE_OK) result = sqlite_error(db_, rc, path_);
  }
  if (!result) (void)sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
  return result;
}

Status Database::each(const char* sql, const std::function<void(const Row&)>& use) {
  Row row(prepare(sql));
  int rc = row.step();
  for (; rc == SQLITE_ROW; rc = row.step()) use(row);
  if (rc != SQLITE_DONE) return sqlite_error(db_, rc, path_);
  return {};
}

}  // namespace kith::client
