// EventLog: log lines on their way to the host, bounded for each event so that no flood of them fills a disk.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "kith/core/time.h"
#include "kith/server/log_line.h"

namespace kith::server {

// Threads: any.
class EventLog {
 public:
  using Sink = std::function<void(const LogLine&)>;
  // Lines of one event at once, and each minute after that.
  static constexpr std::uint32_t kBurst = 20;
  static constexpr std::uint32_t kPerMinute = 20;
  // Names of events are literals of the code; one more is a mistake and goes under "other".
  static constexpr std::size_t kEventsMax = 200;

  // `sink` may be null: silent. `clock` outlives it.
  EventLog(Sink sink, Clock& clock) : sink_(std::move(sink)), clock_(clock) {}

  // Passes the line on, or counts it as left out. The next line of its event says how many were, in the field
  // "suppressed".
  void write(LogLine line);
  // Says what was left out of events that have become silent. To be called about once a minute.
  void settle();

 private:
  struct Bucket {
    double tokens = kBurst;
    std::int64_t at_ms = 0;
    std::uint64_t suppressed = 0;
  };
  void refill(Bucket& bucket, std::int64_t now_ms) const;

  const Sink sink_;
  Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace kith::server
