// The command log in files of its own (the directory journal): one writer thread, group commit,
// every commit synced.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kith/core/executor.h"
#include "kith/server/ports/command_log.h"
#include "server/adapters/embedded/commit_queue.h"
#include "server/adapters/embedded/log_folder.h"
#include "server/adapters/embedded/log_segments.h"

namespace kith::server {

class RecordPacker;

class CommandLogFile : public CommandLog, private CommitQueue::Disk {
 public:
  // A commit is written in rows of about this size: what reading holds in memory.
  static constexpr std::size_t kRowBytes = 64 * 1024;

  // Opens or creates the directory `path`. `executor` runs the callbacks and outlives the log. Fails
  // with kCacheTooNew, kCacheCorrupt (the message names the file), kDiskFull, kIo.
  static Result<std::unique_ptr<CommandLogFile>> open(const std::string& path, Executor& executor);
  static Result<std::unique_ptr<CommandLogFile>> open(std::unique_ptr<LogFolder> folder,
                                                      Executor& executor,
                                                      const LogSegments::Options& options);
  // Commits what was appended and joins the writer; no callback comes afterwards.
  ~CommandLogFile() override;

  void append(LogRecord record, Committed committed) override;
  Result<std::vector<LogEntry>> read(Position after, std::size_t limit) override;
  Position last() const override { return queue_.last(); }
  std::size_t pending() const override { return queue_.pending(); }
  // By whole segments: what shares one with a later record stays.
  void trim(Position upto) override { queue_.trim(upto); }
  // Copies what is committed now into the new directory `to`, durably. Nothing may be trimmed meanwhile; appending goes
  // on. Threads: any. Fails with kDiskFull, kIo.
  Status copy_to(const std::string& to);
  [[nodiscard]] const LatencyHistogram& commits() const { return queue_.commits(); }

 private:
  CommandLogFile(std::unique_ptr<LogSegments> segments, Executor& executor);
  Status write(const std::vector<CommitQueue::Waiting>& batch, Position first) override;
  bool trim_some(Position upto) override { return segments_->trim(upto); }
  Status read_segment(const Segment& segment, Position after, std::size_t limit,
                      std::vector<LogEntry>& entries);

  // Where the last read() ended; the next one goes on there.
  struct Cursor {
    std::uint64_t sequence = 0;
    std::uint64_t offset = 0;
    Position next = 0;
  };

  const std::unique_ptr<LogSegments> segments_;
  const std::unique_ptr<RecordPacker> row_;  // writer's thread
  Cursor cursor_;                            // thread of the executor
  CommitQueue queue_;                        // joined first
};

}  // namespace kith::server
