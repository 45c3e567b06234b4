// EventLog: log lines on their way to the host, bounded for each event so that no flood of them fills a disk.
#include "server/event_log.h"

#include <algorithm>
#include <utility>

namespace kith::server {

void EventLog::refill(Bucket& bucket, std::int64_t now_ms) const {
  const double passed = static_cast<double>(std::max<std::int64_t>(0, now_ms - bucket.at_ms));
  bucket.tokens = std::min<double>(kBurst, bucket.tokens + passed * kPerMinute / 60'000);
  bucket.at_ms = now_ms;
}

void EventLog::write(LogLine line) {
  if (!sink_) return;
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.steady_ms();
  const bool known = buckets_.contains(line.event) || buckets_.size() < kEventsMax;
  const auto [it, fresh] = buckets_.try_emplace(known ? line.event : "other");
  Bucket& bucket = it->second;
  if (fresh) bucket.at_ms = now;
  refill(bucket, now);
  if (bucket.tokens < 1) {
    ++bucket.suppressed;
    return;
  }
  bucket.tokens -= 1;
  if (const auto left_out = std::exchange(bucket.suppressed, 0); left_out > 0) {
    line.fields.push_back({"suppressed", std::to_string(left_out)});
  }
  sink_(line);
}

void EventLog::settle() {
  if (!sink_) return;
  const std::lock_guard lock(mutex_);
  for (auto& [event, bucket] : buckets_) {
    refill(bucket, clock_.steady_ms());
    if (bucket.suppressed == 0 || bucket.tokens < 1) continue;
    bucket.tokens -= 1;
    const auto left_out = std::exchange(bucket.suppressed, 0);
    sink_({LogLevel::kWarning,
           "log_suppressed",
           "more lines of this event than are written",
           {{"of", event}, {"suppressed", std::to_string(left_out)}}});
  }
}

}  // namespace kith::server
