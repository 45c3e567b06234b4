// CommandQueue: how commands come into the log: at once, a little later while the store is behind, or
// not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>

#include "kith/core/scheduler.h"
#include "kith/server/ports/command_log.h"
#include "server/conversation/decide.h"
#include "server/conversation/store_pace.h"
#include "server/health/service_health.h"
#include "server/records/log_progress.h"
#include "src/guard.h"

namespace kith::server {

// Called once with the decision on a command, or with the reason why it is not in the log
// (kOverloaded, kDiskFull, …).
using CommandAnswer = OnceFunction<void(Result<Outcome>&&), 48>;

class CommandQueue {
 public:
  // All outlive this. `pace` is the store's.
  CommandQueue(CommandLog& log, Scheduler& scheduler, StorePace& pace, const LogProgress& progress);

  // Called with every record that is in the log, in log order, and with its command's answer. Before
  // the first append().
  using Committed = std::function<void(LogEntry&&, CommandAnswer&&)>;
  void on_committed(Committed committed) { committed_ = std::move(committed); }
  // Called with every record as it goes to the log, and may change it.
  void on_logging(std::function<void(LogRecord&)> logging) { logging_ = std::move(logging); }
  // Called with what the log has refused a record with, before the record's own answer.
  void on_refused(std::function<void(const Error&)> refused) { refused_ = std::move(refused); }
  // Called when commands wait for the store.
  void on_waiting(std::function<void()> waiting) { waiting_ = std::move(waiting); }
  // Notes there what becomes of appending, as long as this lives; null: nowhere.
  void watch(ServiceHealth* health) { health_ = health; }

  void append(LogRecord record, CommandAnswer answer);
  // Appends a record that waits for nothing: it is not for the store.
  void put(LogRecord record, CommandAnswer answer) { log(std::move(record), std::move(answer)); }
  // Refuses all that is held: a command behind a refused one of its conversation must not be placed
  // before that one comes again. Neither must what the answers append. `why`: what the log has
  // refused one with; nullopt: the store is behind.
  void refuse_held(const std::optional<Error>& why);
  // Puts a record into the log that changes nothing: finds out whether there is room again when
  // nobody writes.
  void probe();
  // Lets commands that wait go on to the log, as many as there is room for now.
  void let_on();
  // Commands that wait for the store, before the log.
  [[nodiscard]] std::size_t held() const { return held_.size(); }
  // Records on their way into the log.
  [[nodiscard]] std::size_t in_log() const { return in_log_; }

 private:
  struct Held {
    LogRecord record;
    CommandAnswer answer;
    std::int64_t since_ms = 0;
  };
  void log(LogRecord&& record, CommandAnswer&& answer);
  void note_log(const Result<LogEntry>& entry);
  void look_after_held();
  Error behind();

  CommandLog& log_;
  Scheduler& scheduler_;
  StorePace& pace_;
  const LogProgress& progress_;
  ServiceHealth* health_ = nullptr;
  Committed committed_;
  std::function<void(LogRecord&)> logging_;
  std::function<void(const Error&)> refused_;
  std::function<void()> waiting_;
  std::deque<Held> held_;
  bool refusing_held_ = false;
  bool looking_ = false;    // after held_, with a timer
  std::size_t in_log_ = 0;  // appended, not yet committed
  Guard guard_;
};

}  // namespace kith::server
