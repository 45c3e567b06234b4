// SQLite with what the server's adapters and the client's cache need: prepared statements that reset
// themselves, transactions, typed errors, patience with others that work in the file.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/core/time.h"

struct sqlite3;
struct sqlite3_stmt;

namespace kith {

class Database;

// SQLite's integers are signed: an upper bound beyond them means no bound.
inline std::int64_t integer_bound(std::uint64_t value) {
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  return value > static_cast<std::uint64_t>(kMax) ? kMax : static_cast<std::int64_t>(value);
}

// One use of a prepared statement; reset when it goes out of scope. The first failure is kept,
// later steps do nothing.
class Query {
 public:
  Query(const Database& db, sqlite3_stmt* statement, int status);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Binds the parameters ?1, ?2, … in order. Texts and blobs must outlive the query: they are not
  // copied.
  template <class... T>
  Query& bind(const T&... values) {
    (bind_one(values), ...);
    return *this;
  }
  // Binds the next parameter. Texts and blobs are copied.
  Query& blob(std::string_view bytes);
  Query& text(std::string_view text);
  template <class T>
  Query& integer(T value) {
    bind_one(static_cast<std::int64_t>(value));
    return *this;
  }
  // Steps; true: there is a row.
  bool next();
  // Steps to the end; ok if nothing failed.
  Status run();
  [[nodiscard]] Status status() const;

  // Columns of the row, from 0.
  [[nodiscard]] std::uint64_t number(int column) const;
  [[nodiscard]] std::int64_t time(int column) const;
  template <class T>
  [[nodiscard]] T get(int column) const {
    return static_cast<T>(time(column));
  }
  [[nodiscard]] std::string bytes(int column) const;
  // The same, valid until the next step.
  [[nodiscard]] std::string_view view(int column) const;
  [[nodiscard]] bool null(int column) const;
  template <class T>
  [[nodiscard]] T id(int column) const {
    const auto found = T::from_bytes(view(column));
    return found ? T(*found) : T();
  }

 private:
  void bind_one(std::uint64_t value);
  void bind_one(std::int64_t value);
  void bind_one(std::uint32_t value) { bind_one(std::uint64_t{value}); }
  void bind_one(bool value) { bind_one(std::uint64_t{value}); }
  void bind_one(std::string_view bytes);
  void bind_one(const std::string& bytes) { bind_one(std::string_view(bytes)); }
  void bind_one(const std::optional<std::string_view>& bytes);  // nothing: NULL
  template <class Tag>
  void bind_one(const Id<Tag>& id) {
    bind_one(id.view());
  }

  const Database& db_;
  sqlite3_stmt* statement_;
  int status_;
  int parameter_ = 0;
};

// One connection. Threads: one at a time.
class Database {
 public:
  struct Options {
    std::string path;
    int schema_version = 1;
    const char* schema = "";  // creates version `schema_version` in an empty file; null: a further
                              // connection to a file that is open already, for reading only
    std::uint64_t pages_max = 0;  // kDiskFull above this size; 0 = as large as the disk
    // Pages kept in memory, and pages in the write-ahead log before they are copied into the file;
    // 0 = what SQLite does by itself (2 MB, 1,000 pages).
    std::uint64_t cache_pages = 0;
    std::uint64_t checkpoint_pages = 0;
    // "NORMAL": a power loss may take back the newest transactions.
    const char* synchronous = "FULL";
    // More of them, each with a ; behind it.
    const char* pragmas = "";
    // A VFS by its name; null: SQLite's default.
    const char* vfs = nullptr;
    // The first makes version 2 out of version 1, and so on up to `schema_version`.
    std::vector<const char*> upgrades = {};
    // If this finds a row in a file of an earlier version, it is refused with `refusal` (kCacheTooOld) and left
    // as it is.
    const char* refuse_if = nullptr;
    const char* refusal = "";
    // The schema is run behind the upgrades too: it says IF NOT EXISTS.
    bool schema_behind_upgrades = false;
    // The write-ahead log is cut back to this after a checkpoint.
    std::uint64_t log_bytes_max = 16 * 1024 * 1024;
    // A call waits no longer for another connection or process that has the file locked.
    Millis patience{5'000};
    // The index of the write-ahead log is a file for all processes. Where a full disk has no room for it, this
    // process keeps the database for itself and the index in memory, so that what is there can be read.
    bool exclusive_when_full = false;
    // Errors begin with `source`. Two kinds have the codes that are given here: the file stayed locked; a statement
    // failed that is right and breaks no constraint.
    std::string source = "SQLite";
    ErrorCode busy = ErrorCode::kUnavailable;
    ErrorCode nonsense = ErrorCode::kInternal;
  };
  // In WAL mode; the file is for its owner alone. Fails with kCacheTooNew, kCacheTooOld, kCacheCorrupt, kDiskFull,
  // kIo, and as the options say.
  static Result<std::unique_ptr<Database>> open(const Options& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Rows that the last statement which writes has written.
  [[nodiscard]] std::int64_t changes() const;
  // False also after SQLite has rolled back by itself.
  [[nodiscard]] bool in_transaction() const;
  // `sql` is a literal: prepared at its first use and kept.
  Query query(const char* sql);
  // Statements without parameters and rows.
  Status execute(const char* sql);
  // Reads all rows; a damaged page shows here.
  Status each(const char* sql, const std::function<void(const Query&)>& use);

  // All that `body` runs, or nothing.
  Status transaction(const std::function<void()>& body);
  enum class Step { kRow, kDone, kFailed };
  // One step of a transaction(); after the first that fails nothing runs any more: SQLite may have rolled back
  // already, and what follows would be kept without the rest.
  Step run(Query& query);

  // The error that a status of SQLite stands for.
  [[nodiscard]] Error error_of(int status) const;

 private:
  friend class Interruptible;
  explicit Database(const Options& options);
  static int on_busy(void* self, int times);
  void close();
  Status connect();
  Status prepare_file();
  Result<int> checked_version();
  Status bring_up(int version);

  const Options options_;
  sqlite3* db_ = nullptr;
  std::int64_t busy_since_ms_ = 0;
  std::optional<Error> failed_;  // of a transaction()
  std::unordered_map<const char*, sqlite3_stmt*> statements_;
};

// BEGIN IMMEDIATE … COMMIT; rolled back unless commit() was reached.
class Transaction {
 public:
  explicit Transaction(Database& db);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  [[nodiscard]] const Status& begun() const { return begun_; }
  Status commit();

 private:
  Database& db_;
  Status begun_;
  bool open_;
};

// A reader's connection reads one state of the file until the end of this.
class Snapshot {
 public:
  explicit Snapshot(Database& reader) : reader_(reader), begun_(reader.query("BEGIN").run()) {}
  ~Snapshot() {
    if (begun_) (void)reader_.query("COMMIT").run();  // nothing was written
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;
  [[nodiscard]] const Status& begun() const { return begun_; }

 private:
  Database& reader_;
  Status begun_;
};

// While it lives, statements of the connection fail as soon as `over` says so; it is asked every few microseconds
// of work, also inside FTS5.
class Interruptible {
 public:
  Interruptible(Database& db, std::function<bool()> over);
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;
  // Whether a statement was interrupted.
  [[nodiscard]] bool interrupted() const { return interrupted_; }

 private:
  Database& db_;
  std::function<bool()> over_;
  bool interrupted_ = false;
};

// A part of a transaction that can be taken back alone; a transaction of its own where there is
// none.
class Savepoint {
 public:
  explicit Savepoint(Database& db);
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  [[nodiscard]] const Status& begun() const { return begun_; }
  Status commit();

 private:
  Database& db_;
  Status begun_;
  bool open_;
};

}  // namespace kith
