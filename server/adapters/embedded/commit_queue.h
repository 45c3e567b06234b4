// CommitQueue: the records waiting for a command log's disk, and its writer's thread: group commit,
// rejections in order, and callbacks on the executor.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "kith/core/executor.h"
#include "kith/server/ports/command_log.h"
#include "src/latency_histogram.h"

namespace kith::server {

class CommitQueue {
 public:
  struct Waiting {
    LogRecord record;
    Committed committed;
  };
  // Where it writes. Called on the writer's thread.
  class Disk {
   public:
    virtual ~Disk() = default;
    // All of the batch, its first record at position `first`, so that it survives a power loss; or
    // none of it, now and at every later start.
    virtual Status write(const std::vector<Waiting>& batch, Position first) = 0;
    // Drops a part of what lies at or before `upto`. False: there is none, or it failed.
    virtual bool trim_some(Position upto) = 0;
  };

  // `last`: position of the last record that is in the log. `disk` and `executor` outlive it.
  CommitQueue(Disk& disk, Position last, Executor& executor);
  // Commits what was appended and joins the writer; no callback comes afterwards.
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  // As CommandLog has them.
  void append(LogRecord record, Committed committed);
  [[nodiscard]] Position last() const { return last_; }
  [[nodiscard]] std::size_t pending() const;
  void trim(Position upto);
  // How long the disk took for each commit. Threads: any.
  [[nodiscard]] const LatencyHistogram& commits() const { return commits_; }

 private:
  void wake_writer_soon();
  void write_loop();
  std::vector<Waiting> take_batch(std::unique_lock<std::mutex>& lock);
  void commit(std::vector<Waiting> batch);
  void refuse(std::vector<Waiting> batch, const Error& error);
  void notify_refused();

  Disk& disk_;
  LatencyHistogram commits_;
  Executor& executor_;
  std::atomic<Position> last_;
  bool waking_ = false;                                         // thread of the executor
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // thread of the executor

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::size_t committing_ = 0;
  std::optional<Error> refusing_;  // until `refused_` is empty
  std::vector<Committed> refused_;
  Position trim_upto_ = 0;
  bool stopping_ = false;

  std::thread thread_;
};

}  // namespace kith::server
