// A command log in memory whose "disk" outlives it: what was not committed is lost when the adapter
// is destroyed.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/core/time.h"
#include "kith/server/ports/command_log.h"
#include "src/guard.h"

namespace kith::server {

class CommandLogMemory : public CommandLog {
 public:
  // The data that survives a crash of the process, and the faults of the device that it stands for.
  struct Disk {
    std::vector<LogEntry> entries;  // ascending, positions without holes
    Position last = 0;              // survives trim()

    std::function<Millis()> commit_delay;  // null: at the next turn of the loop
    // A commit that fails leaves nothing behind.
    std::function<std::optional<Error>()> commit_fault;
    std::function<std::optional<Error>()> read_fault;
    // At a crash, how many of the records waiting for their commit are durable afterwards, although
    // their callback did not run. Null: none.
    std::function<std::size_t(std::size_t waiting)> survives_crash;
  };

  // `scheduler` outlives the log.
  CommandLogMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler);
  // A crash: no callback comes any more.
  ~CommandLogMemory() override;

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
  void refuse_one(Committed committed);
  void schedule();
  void commit();
  void refuse(std::deque<Waiting> batch, const Error& error);
  void notify_refused();

  std::shared_ptr<Disk> disk_;
  Scheduler& scheduler_;
  std::deque<Waiting> waiting_;
  bool scheduled_ = false;
  std::optional<Error> refusing_;  // until `refused_` is empty
  std::vector<Committed> refused_;
  Guard guard_;
};

}  // namespace kith::server
