// ServiceHealth: the failing parts of the server, since when they fail, and the answer for a load balancer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "kith/core/result.h"
#include "kith/core/time.h"
#include "kith/server/log_line.h"

namespace kith::server {

// Threads: notes come from the loop of the services; report() and alive() may be called from any.
class ServiceHealth {
 public:
  // kRequests: a request met a failing disk elsewhere, e.g. in the directory of people.
  enum class Part : std::uint8_t { kJournal, kStore, kRequests, kSearch };
  static constexpr std::size_t kParts = 4;
  enum class Phase : std::uint8_t { kStarting, kServing, kDraining, kStopped };
  using Log = std::function<void(const LogLine&)>;

  // A failing part is logged at once, and again at this interval while it fails.
  static constexpr Millis kRemind{60'000};
  // A part has recovered when it has worked, and has not failed for this long: a full disk takes small writes
  // now and then.
  static constexpr Millis kSettles{5'000};
  // A loop without a beat for this long is stuck.
  static constexpr Millis kStalled{10'000};

  // `clock` outlives it; `log` may be null.
  ServiceHealth(Log log, Clock& clock);

  // Notes the outcome of one try. Costs nothing while all is well.
  void good(Part part) {
    if (failing(part)) worked(part);
  }
  void failed(Part part, const Error& error);
  [[nodiscard]] bool failing(Part part) const {
    return failing_[index(part)].load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t failures(Part part) const;

  void enter(Phase phase);
  // About once a second, from the loop of the services. `behind`: the store is so far behind that commands wait.
  void beat(bool behind);

  // Returns false if messages cannot be stored, or the loop is stuck.
  [[nodiscard]] bool alive() const;
  struct Report {
    bool alive = false;
    bool ready = false;
    std::vector<std::string> reasons;   // why not ready
    std::vector<std::string> warnings;  // parts that fail while it is ready
  };
  [[nodiscard]] Report report() const;

 private:
  struct State {
    std::string name;                // as in the log's events
    bool worked = false;             // since the last failure
    bool forgets = false;            // no report of success exists
    std::uint64_t failures = 0;      // since the start
    std::uint64_t failures_row = 0;  // since it began to fail
    std::int64_t since_ms = 0;
    std::int64_t last_ms = 0;
    std::int64_t reported_ms = 0;
    Error error;
  };
  static std::size_t index(Part part) { return static_cast<std::size_t>(part); }
  void worked(Part part);
  void recovered(Part part, State& state, std::int64_t now);
  void report_failure(State& state, std::int64_t now);
  [[nodiscard]] bool stalled(std::int64_t now) const;
  [[nodiscard]] bool writes_fail() const;

  const Log log_;
  Clock& clock_;
  std::array<std::atomic<bool>, kParts> failing_{};
  mutable std::mutex mutex_;
  std::array<State, kParts> states_;
  Phase phase_ = Phase::kStarting;
  bool behind_ = false;
  std::int64_t beat_ms_ = 0;
};

}  // namespace kith::server
