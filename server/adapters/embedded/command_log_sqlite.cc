// The command log in one SQLite file (journal.db): one writer thread, group commit, every commit
// synced.
#include "server/adapters/embedded/command_log_sqlite.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kith/core/limits.h"
#include "server/adapters/embedded/database_sqlite.h"
#include "server/adapters/embedded/worker.h"
#include "server/services/record_codec.h"

namespace kith::server {

namespace {

constexpr int kSchemaVersion = 2;
constexpr const char* kUpgrade = "";  // from version 1, which had a record in each row
// `pos`: the position of the first record of the row.
// `trimmed`: the highest position that was ever deleted, so that positions go on when the table is
// empty.
// `repaired`: see commit().
constexpr const char* kSchema =
    "CREATE TABLE record(pos INTEGER PRIMARY KEY, record BLOB NOT NULL);"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO meta VALUES('trimmed',0),('repaired',0)";
// Rows deleted in one transaction: short, because appends wait for it.
constexpr std::uint64_t kTrimChunk = 256;
// A commit is written in rows of about this size: a row costs as much as a hundred records in it.
constexpr std::size_t kRowBytes = 64 * 1024;

Error unreadable(Position position) {
  return make_error(ErrorCode::kCacheCorrupt,
                    "journal record " + std::to_string(position) + " is not readable");
}

Result<Position> last_position(Database& db) {
  Position last = 0;
  {
    Query trimmed = db.query("SELECT value FROM meta WHERE key='trimmed'");
    if (trimmed.next()) last = trimmed.number(0);
    if (auto status = trimmed.status(); !status) return status.error();
  }
  Query row = db.query("SELECT pos,record FROM record ORDER BY pos DESC LIMIT 1");
  if (row.next()) {
    last = std::max(last, row.number(0) + unpack_records(row.bytes(1)).size() - 1);
  }
  if (auto status = row.status(); !status) return status.error();
  return last;
}

}  // namespace

Result<std::unique_ptr<CommandLogSqlite>> CommandLogSqlite::open(const std::string& path,
                                                                 Executor& executor,
                                                                 std::uint64_t pages_max) {
  Database::Options options{path, kSchemaVersion, kSchema, pages_max};
  options.upgrades = {kUpgrade};
  auto writer = Database::open(options);
  if (!writer) return writer.error();
  // Every record is in the store when it is deleted here; some builds of SQLite would still write
  // zeros over each of its pages, while appends wait.
  if (auto set = (*writer)->query("PRAGMA secure_delete=FAST").run(); !set) return set.error();
  const auto last = last_position(**writer);
  if (!last) return last.error();
  options.schema = nullptr;
  auto reader = Database::open(options);
  if (!reader) return reader.error();
  return std::unique_ptr<CommandLogSqlite>(
      new CommandLogSqlite(std::move(*writer), std::move(*reader), *last, executor));
}

CommandLogSqlite::CommandLogSqlite(std::unique_ptr<Database> writer,
                                   std::unique_ptr<Database> reader, Position last,
                                   Executor& executor)
    : writer_(std::move(writer)),
      reader_(std::move(reader)),
      row_(std::make_unique<RecordPacker>()),
      executor_(executor),
      last_(last) {
  thread_ = start_quiet_thread("kith-journal", [this] { write_loop(); });
}

CommandLogSqlite::~CommandLogSqlite() {
  *alive_ = false;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void CommandLogSqlite::append(LogRecord record, Committed committed) {
  std::unique_lock lock(mutex_);
  if (refusing_ && refused_.size() >= limits::journal_refused_max) {
    const Error error = *refusing_;
    lock.unlock();
    return committed(error);
  }
  if (refusing_) {
    refused_.push_back(std::move(committed));
    return;
  }
  if (waiting_.size() + committing_ < limits::journal_pending_max) {
    waiting_.push_back({std::move(record), std::move(committed)});
    lock.unlock();
    wake_writer_soon();
    return;
  }
  refusing_ = make_error(ErrorCode::kOverloaded, "too many commands wait");
  refused_.push_back(std::move(committed));
  executor_.post([this, alive = alive_] {
    if (*alive) tell_refusals();
  });
}

// What is appended in one go is committed in one go: the writer is woken when the caller is through.
void CommandLogSqlite::wake_writer_soon() {
  if (std::exchange(waking_, true)) return;
  executor_.post([this, alive = alive_] {
    if (!*alive) return;
    waking_ = false;
    wake_.notify_one();
  });
}

// Writer thread: refuses a batch whose commit failed, and everything that was appended behind it.
void CommandLogSqlite::refuse(std::vector<Waiting> batch, const Error& error) {
  const std::lock_guard lock(mutex_);
  std::vector<Committed> refused;
  refused.reserve(batch.size() + waiting_.size() + refused_.size());
  for (Waiting& item : batch) refused.push_back(std::move(item.committed));
  for (Waiting& item : waiting_) refused.push_back(std::move(item.committed));
  waiting_.clear();
  std::move(refused_.begin(), refused_.end(), std::back_inserter(refused));
  refused_ = std::move(refused);
  committing_ = 0;
  if (std::exchange(refusing_, error)) return;  // a telling is on its way
  executor_.post([this, alive = alive_] {
    if (*alive) tell_refusals();
  });
}

// Records are refused until this is through: also those appended by the callbacks.
void CommandLogSqlite::tell_refusals() {
  std::vector<Committed> refused;
  std::optional<Error> error;
  {
    const std::lock_guard lock(mutex_);
    refused = std::exchange(refused_, {});
    error = refusing_;
  }
  const auto alive = alive_;  // a callback may destroy the log
  for (Committed& committed : refused) {
    if (!*alive) return;
    committed(*error);
  }
  if (!*alive) return;
  const std::lock_guard lock(mutex_);
  if (refused_.empty()) {
    refusing_.reset();
    return;
  }
  executor_.post([this, alive] {
    if (*alive) tell_refusals();
  });
}

std::vector<CommandLogSqlite::Waiting> CommandLogSqlite::take_batch(
    std::unique_lock<std::mutex>& lock) {
  (void)lock;  // held
  const auto count =
      static_cast<std::ptrdiff_t>(std::min(waiting_.size(), limits::journal_batch_max));
  std::vector<Waiting> batch(std::make_move_iterator(waiting_.begin()),
                             std::make_move_iterator(waiting_.begin() + count));
  waiting_.erase(waiting_.begin(), waiting_.begin() + count);
  committing_ = batch.size();
  return batch;
}

void CommandLogSqlite::write_loop() {
  Position trimmed = 0;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [&] { return stopping_ || !waiting_.empty() || trim_upto_ > trimmed; });
    if (waiting_.empty() && stopping_) return;
    auto batch = take_batch(lock);
    const Position trim_upto = trim_upto_;
    lock.unlock();
    if (!batch.empty()) commit(std::move(batch));
    // A failed deletion is not tried again before the next trim(): the records only take room.
    if (trim_upto > trimmed && !trim_some(trim_upto)) trimmed = trim_upto;
    lock.lock();
  }
}

Status CommandLogSqlite::write(const std::vector<Waiting>& batch, Position first) {
  Transaction transaction(*writer_);
  if (!transaction.begun()) return transaction.begun();
  Position row_first = first;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    row_->add(batch[i].record);
    if (row_->row().size() < kRowBytes && i + 1 < batch.size()) continue;
    if (auto status = write_row(row_first); !status) return status;
    row_first = first + i + 1;
  }
  return transaction.commit();
}

Status CommandLogSqlite::write_row(Position first) {
  Status written =
      writer_->query("INSERT INTO record(pos,record) VALUES(?1,?2)").bind(first, row_->row()).run();
  row_->clear();
  return written;
}

void CommandLogSqlite::commit(std::vector<Waiting> batch) {
  const Position first = last_ + 1;
  if (const Status written = write(batch, first); !written) {
    // When only the sync failed, the refused records may lie complete at the end of the write-ahead
    // log, and recovery after a crash would find them. Another commit overwrites them.
    (void)writer_->query("UPDATE meta SET value=value+1 WHERE key='repaired'").run();
    return refuse(std::move(batch), written.error());
  }
  last_ += batch.size();
  {
    const std::lock_guard lock(mutex_);
    committing_ = 0;
  }
  auto shared = std::make_shared<std::vector<Waiting>>(std::move(batch));
  executor_.post([alive = alive_, shared, first] {
    for (std::size_t i = 0; i < shared->size() && *alive; ++i) {
      Waiting& item = (*shared)[i];
      item.committed(LogEntry{first + i, std::move(item.record)});
    }
  });
}

bool CommandLogSqlite::trim_some(Position upto) {
  Transaction transaction(*writer_);
  if (!transaction.begun()) return false;
  // The row that holds the record after `upto` stays, and what it holds before it.
  Position oldest = 0;
  Position stays = 0;
  {
    Query query = writer_->query(
        "SELECT min(pos),max(pos),max(pos)=(SELECT max(pos) FROM record)"
        " FROM (SELECT pos FROM record WHERE pos<=?1 ORDER BY pos LIMIT ?2)");
    if (query.bind(upto + 1, kTrimChunk + 1).next()) {
      oldest = query.number(0);
      stays = query.number(1);
      if (query.number(2) != 0 && upto >= last_) stays = last_ + 1;
    }
    if (!query.status() || stays == oldest) return false;
  }
  if (!writer_->query("DELETE FROM record WHERE pos<?1").bind(stays).run()) return false;
  if (!writer_->query("UPDATE meta SET value=max(value,?1) WHERE key='trimmed'")
           .bind(stays - 1)
           .run()) {
    return false;
  }
  return transaction.commit().ok();
}

Result<std::vector<LogEntry>> CommandLogSqlite::read(Position after, std::size_t limit) {
  std::vector<LogEntry> entries;
  Query query = reader_->query(
      "SELECT pos,record FROM record"
      " WHERE pos>=coalesce((SELECT max(pos) FROM record WHERE pos<=?1),0) ORDER BY pos");
  query.bind(after + 1);
  while (entries.size() < limit && query.next()) {
    Position position = query.number(0);
    const std::string row = query.bytes(1);
    const auto records = unpack_records(row);
    if (records.empty()) return unreadable(position);
    for (const std::string_view bytes : records) {
      if (position++ <= after || entries.size() >= limit) continue;
      auto record = decode_record(bytes);
      if (!record) return unreadable(position - 1);
      entries.push_back({position - 1, std::move(*record)});
    }
  }
  if (auto status = query.status(); !status) return status.error();
  return entries;
}

Position CommandLogSqlite::last() const {
  return last_;
}

std::size_t CommandLogSqlite::pending() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() + committing_;
}

void CommandLogSqlite::trim(Position upto) {
  {
    const std::lock_guard lock(mutex_);
    // Never beyond what is committed: a position must not be trimmed before it was given out.
    trim_upto_ = std::max(trim_upto_, std::min<Position>(upto, last_));
  }
  wake_.notify_one();
}

}  // namespace kith::server
