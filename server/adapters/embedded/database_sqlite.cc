// SQLite with what the embedded adapters need: prepared statements that reset themselves,
// transactions, typed errors.
#include "server/adapters/embedded/database_sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace kith::server {

namespace {

// Only the reader's and the writer's connection meet, and WAL lets them; this covers recovery after
// a crash.
constexpr int kBusyTimeoutMs = 5'000;
constexpr mode_t kOwnerOnly = 0600;
constexpr std::uint64_t kPageBytes = 4'096;
// The write-ahead log is cut back to this after a checkpoint.
constexpr const char* kPragmas =
    "PRAGMA journal_mode=WAL; PRAGMA journal_size_limit=16777216;"
    "PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;";

Error error_of(int status, sqlite3* db) {
  ErrorCode code = ErrorCode::kIo;
  // SQLITE_IOERR_SHMSIZE: the index of the write-ahead log could not grow.
  switch (status == SQLITE_IOERR_SHMSIZE ? SQLITE_FULL : status & 0xff) {
    case SQLITE_FULL:
      code = ErrorCode::kDiskFull;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      code = ErrorCode::kCacheCorrupt;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      code = ErrorCode::kUnavailable;
      break;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR:
      code = ErrorCode::kInternal;
      break;
    default:
      break;
  }
  const char* text = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(status);
  return make_error(code, std::string("SQLite: ") + text);
}

// Messages are for the owner of the process alone, whatever the umask and the release that made the
// file. SQLite gives its -wal and -shm files the mode of the database.
void make_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kOwnerOnly);
  if (fd >= 0) {
    ::close(fd);
    return;
  }
  // By name: closing a descriptor of an open database would release SQLite's locks. Refused for a
  // file of another user; whether it can be used is for SQLite to say.
  for (const char* suffix : {"", "-wal", "-shm"})
    (void)::chmod((path + suffix).c_str(), kOwnerOnly);
}

}  // namespace

Query::Query(sqlite3* db, sqlite3_stmt* statement, int status)
    : db_(db), statement_(statement), status_(status) {}

Query::~Query() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

bool Query::next() {
  if (status_ != SQLITE_OK && status_ != SQLITE_ROW) return false;
  status_ = sqlite3_step(statement_);
  return status_ == SQLITE_ROW;
}

Status Query::run() {
  while (next()) {
  }
  return status();
}

Status Query::status() const {
  if (status_ == SQLITE_OK || status_ == SQLITE_ROW || status_ == SQLITE_DONE) return {};
  return error_of(status_, db_);
}

std::uint64_t Query::number(int column) const {
  return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}
std::int64_t Query::time(int column) const {
  return sqlite3_column_int64(statement_, column);
}
std::string Query::bytes(int column) const {
  return std::string(view(column));
}

std::string_view Query::view(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  const int size = sqlite3_column_bytes(statement_, column);
  if (data == nullptr) return {};
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

bool Query::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

void Query::bind_one(std::uint64_t value) {
  bind_one(static_cast<std::int64_t>(value));
}

void Query::bind_one(std::int64_t value) {
  if (status_ == SQLITE_OK) status_ = sqlite3_bind_int64(statement_, ++parameter_, value);
}

void Query::bind_one(std::string_view bytes) {
  if (status_ != SQLITE_OK) return;
  // A null pointer would bind NULL.
  status_ = sqlite3_bind_blob64(statement_, ++parameter_, bytes.empty() ? "" : bytes.data(),
                                bytes.size(), SQLITE_STATIC);
}

void Query::bind_one(const std::optional<std::string_view>& bytes) {
  if (bytes) return bind_one(*bytes);
  if (status_ == SQLITE_OK) status_ = sqlite3_bind_null(statement_, ++parameter_);
}

Result<std::unique_ptr<Database>> Database::open(const Options& options) {
  if (options.schema != nullptr) make_private(options.path);
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
                    (options.schema != nullptr ? SQLITE_OPEN_CREATE : 0);
  const int status = sqlite3_open_v2(options.path.c_str(), &raw, flags, options.vfs);
  std::unique_ptr<Database> db(new Database(raw));
  if (status != SQLITE_OK) {
    Error error = error_of(status, raw);
    error.message = options.path + ": " + error.message;
    return error;
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  if (auto prepared = db->prepare_file(options); !prepared) {
    Error error = prepared.error();
    error.message = options.path + ": " + error.message;
    return error;
  }
  return db;
}

Status Database::prepare_file(const Options& options) {
  int version = 0;
  {
    Query pragma = query("PRAGMA user_version");
    if (pragma.next()) version = static_cast<int>(pragma.time(0));
    if (!pragma.status()) return pragma.status();
  }
  if (version > options.schema_version) {
    return make_error(ErrorCode::kCacheTooNew,
                      "written by a later release (schema " + std::to_string(version) +
                          ", this release knows " + std::to_string(options.schema_version) + ")");
  }
  if (version > 0 && version < options.schema_version && options.refuse_if != nullptr) {
    Query old = query(options.refuse_if);
    if (old.next()) return make_error(ErrorCode::kCacheTooOld, options.refusal);
    if (!old.status()) return old.status();
  }
  const std::string pragmas =
      std::string(kPragmas) + options.pragmas + "PRAGMA synchronous=" + options.synchronous;
  if (auto set = execute(pragmas.c_str()); !set) return set;
  if (options.schema == nullptr) return execute("PRAGMA query_only=ON");
  if (version < options.schema_version) {
    // An index over all that was ever said is sorted on the disk, not in memory.
    if (auto set = execute("PRAGMA temp_store=FILE"); !set) return set;
    Transaction changing(*this);
    if (!changing.begun()) return changing.begun();
    std::string sql = version == 0 ? options.schema : "";
    for (int next = version; next > 0 && next < options.schema_version; ++next) {
      sql.append(options.upgrades.at(static_cast<std::size_t>(next) - 1)).append(";");
    }
    sql += ";PRAGMA user_version=" + std::to_string(options.schema_version);
    if (auto made = execute(sql.c_str()); !made) return made;
    if (auto made = changing.commit(); !made) return made;
    if (auto set = execute("PRAGMA temp_store=MEMORY"); !set) return set;
  }
  if (options.cache_pages != 0) {
    const std::string sql = "PRAGMA cache_size=" + std::to_string(options.cache_pages);
    if (auto set = execute(sql.c_str()); !set) return set;
  }
  if (options.checkpoint_pages != 0) {
    const std::string sql =
        "PRAGMA wal_autocheckpoint=" + std::to_string(options.checkpoint_pages) +
        ";PRAGMA journal_size_limit=" + std::to_string(kPageBytes * options.checkpoint_pages);
    if (auto set = execute(sql.c_str()); !set) return set;
  }
  if (options.pages_max == 0) return {};
  return execute(("PRAGMA max_page_count=" + std::to_string(options.pages_max)).c_str());
}

Database::~Database() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close(db_);
}

Query Database::query(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  int status = SQLITE_OK;
  if (statement == nullptr) {
    status = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  return Query(db_, statement, status);
}

Status Database::execute(const char* sql) {
  const int status = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (status == SQLITE_OK) return {};
  return error_of(status, db_);
}

Interruptible::Interruptible(Database& db, std::function<bool()> over)
    : db_(db), over_(std::move(over)) {
  constexpr int kSteps = 200;  // of SQLite's machine; each block that FTS5 reads is some of them
  sqlite3_progress_handler(
      db_.db_, kSteps,
      [](void* self) {
        auto& me = *static_cast<Interruptible*>(self);
        me.interrupted_ = me.interrupted_ || me.over_();
        return me.interrupted_ ? 1 : 0;
      },
      this);
}

Interruptible::~Interruptible() {
  sqlite3_progress_handler(db_.db_, 0, nullptr, nullptr);
}

Transaction::Transaction(Database& db)
    : db_(db), begun_(db.query("BEGIN IMMEDIATE").run()), open_(begun_.ok()) {}

Transaction::~Transaction() {
  // Fails harmlessly when SQLite has rolled back by itself.
  if (open_) (void)db_.query("ROLLBACK").run();
}

Status Transaction::commit() {
  Status committed = db_.query("COMMIT").run();
  if (committed) open_ = false;
  return committed;
}

Savepoint::Savepoint(Database& db)
    : db_(db), begun_(db.query("SAVEPOINT part").run()), open_(begun_.ok()) {}

Savepoint::~Savepoint() {
  if (!open_) return;
  (void)db_.query("ROLLBACK TO part").run();
  (void)db_.query("RELEASE part").run();
}

Status Savepoint::commit() {
  Status committed = db_.query("RELEASE part").run();
  if (committed) open_ = false;
  return committed;
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(db_);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::string& dir) {
  std::error_code failed;
  if (std::filesystem::create_directories(dir, failed)) {
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all, failed);
  }
  if (failed) return make_error(ErrorCode::kIo, dir + ": " + failed.message());
  const std::string path = dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (fd < 0)
    return make_error(ErrorCode::kIo, path + ": " + std::generic_category().message(errno));
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return make_error(ErrorCode::kAlreadyOpen, dir + " is in use by another process");
  }
  return make_error(ErrorCode::kIo, path + ": " + std::generic_category().message(errno));
}

DirectoryLock::~DirectoryLock() {
  ::close(fd_);
}

}  // namespace kith::server
