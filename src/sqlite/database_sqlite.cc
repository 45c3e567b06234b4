// Database on SQLite's C interface.
#include "src/sqlite/database_sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

namespace kith {

namespace {

constexpr int kBusyPauseMs = 3;  // at most, each time; see on_busy()
constexpr mode_t kOwnerOnly = 0600;
constexpr std::uint64_t kPageBytes = 4'096;
constexpr const char* kPragmas =
    "PRAGMA journal_mode=WAL; PRAGMA foreign_keys=OFF; PRAGMA temp_store=MEMORY;";
constexpr const char* kInMemory = ":memory:";

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

Query::Query(const Database& db, sqlite3_stmt* statement, int status)
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
  return db_.error_of(status_);
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

Query& Query::blob(std::string_view bytes) {
  if (status_ != SQLITE_OK) return *this;
  status_ =
      sqlite3_bind_blob64(statement_, ++parameter_, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  return *this;
}

Query& Query::text(std::string_view text) {
  if (status_ != SQLITE_OK) return *this;
  status_ = sqlite3_bind_text64(statement_, ++parameter_, text.data(), text.size(),
                                SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
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
  std::unique_ptr<Database> db(new Database(options));
  Status opened = db->connect();
  if (opened) opened = db->prepare_file();
  if (!opened && opened.error().code == ErrorCode::kDiskFull && options.exclusive_when_full) {
    db->close();
    opened = db->connect();
    if (opened) opened = db->execute("PRAGMA locking_mode=EXCLUSIVE");
    if (opened) opened = db->prepare_file();
  }
  if (opened) return db;
  Error error = opened.error();
  if (!error.message.starts_with(options.path)) error.message = options.path + ": " + error.message;
  return error;
}

Database::Database(const Options& options) : options_(options) {}

Error Database::error_of(int status) const {
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
    case SQLITE_PROTOCOL:  // the same, noticed while the write-ahead log was being opened
      code = options_.busy;
      break;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISUSE:
    case SQLITE_ERROR:
      code = options_.nonsense;
      break;
    default:
      break;
  }
  const char* text = db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(status);
  return make_error(code, options_.source + ": " + text);
}

// SQLite has no queue for writers, and its own waiting grows to 100 ms a time: somebody who writes
// without a pause lets such a waiter through once in minutes. Many short pauses of random length
// meet a gap soon.
int Database::on_busy(void* self, int times) {
  auto& me = *static_cast<Database*>(self);
  const std::int64_t now = system_clock().steady_ms();
  if (times == 0) me.busy_since_ms_ = now;
  if (now - me.busy_since_ms_ >= me.options_.patience.count()) return 0;
  unsigned char random = 0;
  sqlite3_randomness(1, &random);
  sqlite3_sleep(1 + random % kBusyPauseMs);
  return 1;
}

Status Database::connect() {
  const bool creates = options_.schema != nullptr;
  if (creates && options_.path != kInMemory) make_private(options_.path);
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (creates ? SQLITE_OPEN_CREATE : 0);
  const int status = sqlite3_open_v2(options_.path.c_str(), &db_, flags, options_.vfs);
  if (status != SQLITE_OK) return error_of(status);
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_handler(db_, &Database::on_busy, this);
  return {};
}

// Before anything in the file is touched.
Result<int> Database::checked_version() {
  int version = 0;
  {
    Query pragma = query("PRAGMA user_version");
    if (pragma.next()) version = pragma.get<int>(0);
    if (auto status = pragma.status(); !status) return status.error();
  }
  if (version > options_.schema_version) {
    return make_error(ErrorCode::kCacheTooNew,
                      "written by a later release (schema " + std::to_string(version) +
                          ", this release knows " + std::to_string(options_.schema_version) + ")");
  }
  if (version > 0 && version < options_.schema_version && options_.refuse_if != nullptr) {
    Query old = query(options_.refuse_if);
    if (old.next()) return make_error(ErrorCode::kCacheTooOld, options_.refusal);
    if (auto status = old.status(); !status) return status.error();
  }
  return version;
}

Status Database::prepare_file() {
  const auto version = checked_version();
  if (!version) return version.error();
  const std::string pragmas = std::string(kPragmas) + "PRAGMA journal_size_limit=" +
                              std::to_string(options_.log_bytes_max) + ";" + options_.pragmas +
                              "PRAGMA synchronous=" + options_.synchronous;
  if (auto set = execute(pragmas.c_str()); !set) return set;
  if (options_.schema == nullptr) return execute("PRAGMA query_only=ON");
  if (*version < options_.schema_version) {
    if (auto made = bring_up(*version); !made) return made;
  }
  if (options_.cache_pages != 0) {
    const std::string sql = "PRAGMA cache_size=" + std::to_string(options_.cache_pages);
    if (auto set = execute(sql.c_str()); !set) return set;
  }
  if (options_.checkpoint_pages != 0) {
    const std::string sql =
        "PRAGMA wal_autocheckpoint=" + std::to_string(options_.checkpoint_pages) +
        ";PRAGMA journal_size_limit=" + std::to_string(kPageBytes * options_.checkpoint_pages);
    if (auto set = execute(sql.c_str()); !set) return set;
  }
  if (options_.pages_max == 0) return {};
  return execute(("PRAGMA max_page_count=" + std::to_string(options_.pages_max)).c_str());
}

// In one transaction: a crash leaves the old version or the new one.
Status Database::bring_up(int version) {
  // An index over all that was ever said is sorted on the disk, not in memory.
  if (auto set = execute("PRAGMA temp_store=FILE"); !set) return set;
  Transaction changing(*this);
  if (!changing.begun()) return changing.begun();
  std::string sql;
  for (int next = version; next > 0 && next < options_.schema_version; ++next) {
    sql.append(options_.upgrades.at(static_cast<std::size_t>(next) - 1)).append(";");
  }
  if (version == 0 || options_.schema_behind_upgrades) sql.append(options_.schema);
  sql += ";PRAGMA user_version=" + std::to_string(options_.schema_version);
  if (auto made = execute(sql.c_str()); !made) return made;
  if (auto made = changing.commit(); !made) return made;
  return execute("PRAGMA temp_store=MEMORY");
}

void Database::close() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  statements_.clear();
  sqlite3_close(db_);
  db_ = nullptr;
}

Status Database::each(const char* sql, const std::function<void(const Query&)>& use) {
  Query rows = query(sql);
  while (rows.next()) use(rows);
  return rows.status();
}

Status Database::transaction(const std::function<void()>& body) {
  Transaction writing(*this);
  if (!writing.begun()) return writing.begun();
  failed_.reset();
  body();
  if (failed_) return *std::exchange(failed_, std::nullopt);
  return writing.commit();
}

Database::Step Database::run(Query& query) {
  if (failed_) return Step::kFailed;
  const bool row = query.next();
  if (auto status = query.status(); !status) {
    failed_ = status.error();
    return Step::kFailed;
  }
  return row ? Step::kRow : Step::kDone;
}

Database::~Database() {
  close();
}

Query Database::query(const char* sql) {
  sqlite3_stmt*& statement = statements_[sql];
  int status = SQLITE_OK;
  if (statement == nullptr) {
    status = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  return Query(*this, statement, status);
}

Status Database::execute(const char* sql) {
  const int status = sqlite3_exec(db_, sql, nullptr, nullptr, nullptr);
  if (status == SQLITE_OK) return {};
  return error_of(status);
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

}  // namespace kith
