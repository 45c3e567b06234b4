// Database: one SQLite file of the cache: its pragmas, version, prepared statements, transactions,
// and patience with another process that works in it.
#pragma once

#include <sqlite3.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::client {

// kDiskFull, kCacheCorrupt, kAlreadyOpen (another process keeps the file locked), kIo.
Error sqlite_error(sqlite3* db, int rc, const std::string& what);

// The statements here are right and break no constraint: where one fails as if it were or did, the
// file is not what it was made for.
inline int or_damage(int rc) {
  const int kind = rc & 0xff;
  return kind == SQLITE_ERROR || kind == SQLITE_CONSTRAINT ? SQLITE_CORRUPT : rc;
}

struct Prepared {
  sqlite3_stmt* statement = nullptr;
  int failure = SQLITE_OK;  // why there is no statement
};

// One prepared statement in use; resets it at the end.
class Row {
 public:
  explicit Row(Prepared prepared) : statement_(prepared.statement), failure_(prepared.failure) {}
  ~Row() {
    if (statement_) {
      sqlite3_reset(statement_);
      sqlite3_clear_bindings(statement_);
    }
  }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  Row& blob(std::string_view bytes) {
    sqlite3_bind_blob(statement_, ++bound_, bytes.data(), static_cast<int>(bytes.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  Row& text(std::string_view value) {
    sqlite3_bind_text(statement_, ++bound_, value.data(), static_cast<int>(value.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  template <class T>
  Row& number(T value) {
    sqlite3_bind_int64(statement_, ++bound_, static_cast<sqlite3_int64>(value));
    return *this;
  }
  int step() { return statement_ ? or_damage(sqlite3_step(statement_)) : failure_; }

  template <class T>
  [[nodiscard]] T get(int column) const {
    return static_cast<T>(sqlite3_column_int64(statement_, column));
  }
  [[nodiscard]] std::string bytes(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
    return data ? std::string(static_cast<const char*>(data), size) : std::string();
  }
  template <class T>
  [[nodiscard]] T id(int column) const {
    const auto value = T::from_bytes(bytes(column));
    return value ? T(*value) : T();
  }

 private:
  sqlite3_stmt* statement_;
  int failure_;
  int bound_ = 0;
};

// The tables of one version, and how those of each earlier one become the next, from 1 on.
struct Schema {
  int version = 1;
  const char* tables = "";
  std::vector<const char*> upgrades{};  // version - 1 of them
  // Of an earlier version: if this finds a row, the file is refused (kCacheTooOld) and left as it is.
  const char* refuse_if = nullptr;
};

// One thread at a time. A call waits at most `patience` for another process that has the file
// locked.
class Database {
 public:
  explicit Database(Millis patience) : patience_(patience) {}
  ~Database() { close(); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Fails with kCacheTooNew, and as sqlite_error() says.
  Status open(const std::string& path, const char* synchronous, const Schema& schema);
  void close();

  Status exec(const std::string& sql);
  // `sql` is a literal; its statement is kept.
  Prepared prepare(const char* sql);
  // One step of a transaction; after the first that fails nothing runs any more. What
  // sqlite3_step() says.
  int run(Row& row);
  // All that `body` runs, or nothing.
  Status transaction(const std::function<void()>& body);
  // Reads all rows; a damaged page shows here.
  Status each(const char* sql, const std::function<void(const Row&)>& use);
  sqlite3* handle() { return db_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  static int on_busy(void* self, int times);
  Status connect(const std::string& path);
  Status open_log(const std::string& path);
  Result<int> version_in_file();
  Status bring_up(int found, const Schema& schema);

  std::string path_;
  sqlite3* db_ = nullptr;
  int failure_ = SQLITE_OK;
  const Millis patience_;
  std::int64_t busy_since_ms_ = 0;
  std::unordered_map<const char*, sqlite3_stmt*> statements_;  // by address of the literal
};

}  // namespace kith::client
