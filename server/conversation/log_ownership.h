// LogOwnership: whether this process is the one that may append to a log that several can append to,
// and which records of the log count.
//
// Several processes may believe at the same time that they are. The log itself decides: an owner
// begins with a take-over (TakeOverOp) of a higher epoch, and what earlier owners append behind it is
// void. It serves when it has read its own take-over back, for then it has everything that anybody was
// ever answered. A log with one appender for ever is simply owned.
#pragma once

#include <cstdint>
#include <functional>

#include "kith/core/result.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/command_log.h"
#include "server/conversation/command_queue.h"
#include "server/records/tenures.h"
#include "src/guard.h"
#include "src/timer.h"

namespace kith::server {

class LogOwnership {
 public:
  enum class Phase : std::uint8_t {
    kReplaying,  // follows the log, and answers nobody
    kTaking,     // its take-over is on its way into the log
    kServing,
    kLeft,  // has given it up, or another has taken it over
  };
  enum class Verdict : std::uint8_t { kCounts, kVoid, kTookOver };

  // All outlive this.
  LogOwnership(CommandLog& log, CommandQueue& queue, Scheduler& scheduler, Tenures& tenures);

  // Everything that was in the log at the start is decided: takes the log over, as often as others are
  // faster. Also after take_over() of another: whoever assigns logs to processes still says that it is
  // this one's.
  void take_over();
  // Called each time when it begins or ends to serve.
  void on_serving(std::function<void(bool)> serving) { on_serving_ = std::move(serving); }
  // Refuses from here on.
  void leave() { enter(Phase::kLeft); }

  [[nodiscard]] bool serving() const { return phase_ == Phase::kServing; }
  // Whether a first attempt may be a repetition of what an earlier owner has placed: it has just begun.
  [[nodiscard]] bool doubts() const { return doubts_; }
  // Whether this owner has appended the record, in its present tenure.
  [[nodiscard]] bool mine(const LogRecord& record) const {
    return phase_ != Phase::kReplaying && record.tenure == claim_;
  }

  // For every record before it goes to the log.
  void stamp(LogRecord& record) const { record.tenure = claim_; }
  // For every record that is read from the log, in its order.
  Verdict judge(const LogEntry& entry);
  // The log says of an appended record that it is not there, or does not know.
  void append_failed(const Error& error);

  // Somebody else is to be asked, or the same a little later.
  static Error not_serving();

 private:
  [[nodiscard]] bool shared() const { return log_.appender() != 0; }
  void enter(Phase phase);
  void serve();
  void append_take_over();
  void took_over(const Result<Outcome>& outcome);

  CommandLog& log_;
  CommandQueue& queue_;
  Scheduler& scheduler_;
  Tenures& tenures_;
  Tenure claim_;  // what its records say
  Phase phase_;
  bool doubts_ = false;
  Timer doubt_ends_;
  std::function<void(bool)> on_serving_;
  Guard guard_;
};

}  // namespace kith::server
