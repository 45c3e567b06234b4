// CommandLog is the one place where durability begins: a record is part of Kith's state when it is
// in the log, and everything else (heads, history, feeds, search) is computed from it in log order.
//
// Keeps:      records, from append() until trim() allows them to go. read() gives them as they were
//             appended, but for the reply token, which is 0 in a later process.
// Order:      positions are assigned in append order and increase by one; a reopened log goes on. In
//             a shared log they increase, maybe with holes.
// Durability: `committed` is called with ok only when the records survive a crash of this process
//             and a power loss. Not ok: none of them is in the log, and none of them will ever be
//             seen by read(); their positions are used again.
// Sharing:    several processes may append to one log (appender() is not 0). Then `committed` is
//             called with ok when the record has been read back at its place, what others append
//             comes through on_foreign() at its own place among them, and kUnavailable means that
//             nobody knows whether the record is in the log, or will be.
// Refusals:   what is appended between a refused record and the call that tells its refusal is
//             refused too, so a sender's later record never overtakes an earlier one that has to be
//             repeated. When everything is told the log takes records again.
// Batching:   an adapter may commit what has gathered since the last commit in one go.
// Threads:    methods and callbacks on the loop of the server. Callbacks come once each, in position
//             order, and never inside append() but for the refusals that Bounds names. None comes
//             after or from the destructor: then the record is in the log or not.
// Blocking:   read(), which is called at start. The others return at once.
// Bounds:     above limits::journal_pending_max waiting records append() answers kOverloaded. Above
//             limits::journal_refused_max refusals that are still to be told, it tells the next one
//             inside the call.
// Failure:    kDiskFull, kIo, kOverloaded, kUnavailable, kClosed. The server repeats nothing: the
//             sender is told a retryable error and sends again, under the same id. If read() fails,
//             or the log ends before the store does, the server does not start.
// Proof:      kith/conformance/command_log_suite.h; an adapter that passes it is an adapter. A power
//             loss is beyond it, and so is sharing: the suite opens logs with one appender.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/once_function.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// Hears what became of a record.
using Committed = OnceFunction<void(Result<LogEntry>&&), 80>;

class KITH_API CommandLog {
 public:
  virtual ~CommandLog() = default;

  // Appends one record. `committed` receives its position, or why it is not in the log (kDiskFull,
  // kIo, kOverloaded, kClosed).
  virtual void append(LogRecord record, Committed committed) = 0;

  // The number of the appender behind this object, which no other object of any process has; 0 if the
  // log has no other appender, ever.
  [[nodiscard]] virtual std::uint64_t appender() const { return 0; }
  // Sets what is called with every record of another appender behind the last one that read() gave.
  // Called once, before the first read().
  virtual void on_foreign([[maybe_unused]] std::function<void(LogEntry&&)> foreign) {}

  // Reads committed entries with position > after, ascending, at most `limit`. Blocks; used at
  // start.
  virtual Result<std::vector<LogEntry>> read(Position after, std::size_t limit) = 0;

  // Position of the last committed record; 0 = empty. Positions survive trim().
  virtual Position last() const = 0;

  // Records waiting for their commit.
  virtual std::size_t pending() const = 0;

  // Allows the adapter to drop records with position <= upto: the store holds everything computed
  // from them.
  virtual void trim(Position upto) = 0;
};

}  // namespace kith::server
