// The command log in one SQLite file (journal.db): one writer thread, group commit, every commit
// synced.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "kith/core/executor.h"
#include "kith/server/ports/command_log.h"

namespace kith::server {

class Database;
class RecordPacker;

class CommandLogSqlite : public CommandLog {
 public:
  // Opens or creates `path`. `executor` runs the callbacks and outlives the log. `pages_max` limits
  // the file's size (4 KiB
  // pages); 0 = the disk. Fails with kCacheTooNew, kCacheCorrupt, kDiskFull, kIo.
  static Result<std::unique_ptr<CommandLogSqlite>> open(const std::string& path, Executor& executor,
                                                        std::uint64_t pages_max = 0);
  // Commits what was appended and joins the writer; no callback comes afterwards.
  ~CommandLogSqlite() override;

  void append(LogRecord record, Committed committed) override;
  Result<std::vector<LogEntry>> read(Position after, std::size_t limit) override;
  Position last() const override;
  std::size_t pending() const override;
  void trim(Position upto) override;

 private:
  struct Waiting {
    LogRecord record;
    Committed committed;
  };
  CommandLogSqlite(std::unique_ptr<Database> writer, std::unique_ptr<Database> reader,
                   Position last, Executor& executor);
  void wake_writer_soon();
  void write_loop();
  std::vector<Waiting> take_batch(std::unique_lock<std::mutex>& lock);
  void commit(std::vector<Waiting> batch);
  void refuse(std::vector<Waiting> batch, const Error& error);
  void tell_refusals();
  Status write(const std::vector<Waiting>& batch, Position first);
  Status write_row(Position first);
  bool trim_some(Position upto);

  const std::unique_ptr<Database> writer_;   // writer thread
  const std::unique_ptr<Database> reader_;   // thread of the executor
  const std::unique_ptr<RecordPacker> row_;  // writer thread
  Executor& executor_;
  std::atomic<Position> last_;
  bool waking_ = false;                                         // thread of the executor
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // thread of the executor

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::size_t committing_ = 0;
  std::optional<Error> refusing_;  // until everything in `refused_` has been told
  std::vector<Committed> refused_;
  Position trim_upto_ = 0;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace kith::server
