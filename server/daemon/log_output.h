// LogOutput: the daemon's log on standard error, one line for each event, with the time in UTC.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "kith/core/time.h"
#include "kith/server/log_line.h"
#include "server/daemon/config.h"

namespace kith::server::daemon {

// "2026-11-30T07:24:21.003Z info ready url=…", or a JSON object with the same. Without the line's end.
std::string format_log_line(const LogLine& line, Timestamp at, LogFormat format);

// Threads: any.
class LogOutput {
 public:
  LogOutput(LogFormat format, LogLevel level, int fd, Clock& clock)
      : format_(format), level_(level), fd_(fd), clock_(clock) {}

  void set_level(LogLevel level) { level_ = level; }
  // Never waits for a reader that has stopped reading: then the line is dropped and counted, and the next one says so.
  void write(const LogLine& line);

 private:
  const LogFormat format_;
  std::atomic<LogLevel> level_;
  const int fd_;
  Clock& clock_;
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace kith::server::daemon
