// CommandLog is the place where durability begins: a record is part of Kith's state once it is in the
// log, and everything else (heads, history, feeds, search) is computed from the log, in its order.
//
// Keeps:      records, from append() until trim() releases them. read() returns them as they were
//             appended, except for the reply token, which is 0 in a later process.
// Order:      positions are assigned in append order and increase by one; a reopened log continues. In
//             a shared log they increase, maybe with holes.
// Durability: `committed` is called with ok only when the record survives a crash of this process and a
//             power loss. With an error, the record is not in the log and read() never returns it; its
//             position is used again.
// Sharing:    several processes may append to one log (appender() is not 0). Then `committed` is called
//             with ok when the record has been read back at its place; records of other appenders
//             arrive through on_foreign(), each at its own place among them; and kUnavailable means
//             that the record may be in the log, or get there later.
// Rejections: when a record is rejected, so is every record appended before its callback has run. A
//             retry therefore never ends up behind a later record of the same sender. When all these
//             callbacks have run the log takes records again.
// Batching:   an adapter may commit all records that wait in one go.
// Threads:    methods and callbacks on the loop of the server. Callbacks run once each, in position
//             order, and never inside append() except for the rejections that Bounds names. None runs
//             after the destructor or in it; the record is then in the log or not.
// Blocking:   read(), which is called at start. The others return at once.
// Bounds:     above limits::journal_pending_max waiting records append() fails with kOverloaded. Above
//             limits::journal_refused_max rejected records whose callback has not run, it calls back
//             synchronously.
// Failure:    kDiskFull, kIo, kOverloaded, kUnavailable, kClosed. The server does not retry: the sender
//             gets a retryable error and sends again under the same id. If read() fails, or the log
//             ends before the store does, the server does not start.
// Proof:      an adapter is one that passes kith/conformance/command_log_suite.h. The suite covers
//             neither a power loss nor sharing: it opens logs with one appender.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/once_function.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// Receives the committed record with its position, or the error.
using Committed = OnceFunction<void(Result<LogEntry>&&), 80>;

class KITH_API CommandLog {
 public:
  virtual ~CommandLog() = default;

  // Appends one record. `committed` receives it with its position, or the reason why it is not in the log
  // (kDiskFull, kIo, kOverloaded, kClosed).
  virtual void append(LogRecord record, Committed committed) = 0;

  // The number of this appender, which no other object of any process has; 0 if the log never has another
  // appender.
  [[nodiscard]] virtual std::uint64_t appender() const { return 0; }
  // Sets the handler for records of other appenders behind the last one that read() returned. Called once,
  // before the first read().
  virtual void on_foreign([[maybe_unused]] std::function<void(LogEntry&&)> foreign) {}

  // Reads committed entries with position > after, ascending, at most `limit`. Blocks; used at
  // start.
  virtual Result<std::vector<LogEntry>> read(Position after, std::size_t limit) = 0;

  // Position of the last committed record; 0 = empty. Positions survive trim().
  virtual Position last() const = 0;

  // Records waiting for their commit.
  virtual std::size_t pending() const = 0;

  // Lets the adapter drop records with position <= upto: the store holds everything computed
  // from them.
  virtual void trim(Position upto) = 0;
};

}  // namespace kith::server
