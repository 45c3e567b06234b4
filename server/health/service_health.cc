// ServiceHealth: the failing parts of the server, since when they fail, and the answer for a load balancer.
#include "server/health/service_health.h"

#include <utility>

namespace kith::server {

ServiceHealth::ServiceHealth(Log log, Clock& clock) : log_(std::move(log)), clock_(clock) {
  states_[index(Part::kJournal)].name = "journal";
  states_[index(Part::kStore)].name = "store";
  states_[index(Part::kRequests)].name = "requests";
  states_[index(Part::kRequests)].forgets = true;
  states_[index(Part::kSearch)].name = "search";
}

void ServiceHealth::failed(Part part, const Error& error) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.steady_ms();
  State& state = states_[index(part)];
  ++state.failures;
  state.last_ms = now;
  state.worked = false;
  const bool fresh = !failing_[index(part)].exchange(true);
  if (fresh) {
    state.failures_row = 0;
    state.since_ms = now;
  }
  ++state.failures_row;
  const bool another = state.error.code != error.code;  // is news
  state.error = error;
  if (fresh || another || now - state.reported_ms >= kRemind.count()) report_failure(state, now);
}

void ServiceHealth::worked(Part part) {
  const std::lock_guard lock(mutex_);
  states_[index(part)].worked = true;
}

void ServiceHealth::report_failure(State& state, std::int64_t now) {
  state.reported_ms = now;
  if (!log_) return;
  log_({LogLevel::kError,
        state.name + "_failed",
        state.error.message,
        {{"code", std::string(to_string(state.error.code))},
         {"failures", std::to_string(state.failures_row)},
         {"for_s", std::to_string((now - state.since_ms) / 1'000)}}});
}

void ServiceHealth::recovered(Part part, State& state, std::int64_t now) {
  failing_[index(part)] = false;
  state.error = {};
  if (!log_) return;
  log_({LogLevel::kInfo,
        state.name + "_recovered",
        "",
        {{"failures", std::to_string(state.failures_row)},
         {"after_s", std::to_string((now - state.since_ms) / 1'000)}}});
}

void ServiceHealth::enter(Phase phase) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  beat_ms_ = clock_.steady_ms();
}

void ServiceHealth::beat(bool behind) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = clock_.steady_ms();
  behind_ = behind;
  beat_ms_ = now;
  for (std::size_t i = 0; i < kParts; ++i) {
    State& state = states_[i];
    if (!failing_[i]) continue;
    const bool works = state.worked || state.forgets;
    if (works && now - state.last_ms >= kSettles.count()) {
      recovered(static_cast<Part>(i), state, now);
    } else if (now - state.reported_ms >= kRemind.count()) {
      report_failure(state, now);
    }
  }
}

std::uint64_t ServiceHealth::failures(Part part) const {
  const std::lock_guard lock(mutex_);
  return states_[index(part)].failures;
}

bool ServiceHealth::stalled(std::int64_t now) const {
  const bool beats = phase_ == Phase::kServing || phase_ == Phase::kDraining;
  return beats && now - beat_ms_ > kStalled.count();
}

bool ServiceHealth::writes_fail() const {
  return failing(Part::kJournal) || failing(Part::kStore) || failing(Part::kRequests);
}

bool ServiceHealth::alive() const {
  const std::lock_guard lock(mutex_);
  return phase_ != Phase::kStopped && !writes_fail() && !stalled(clock_.steady_ms());
}

ServiceHealth::Report ServiceHealth::report() const {
  const std::lock_guard lock(mutex_);
  Report report;
  const bool stuck = stalled(clock_.steady_ms());
  if (phase_ == Phase::kStarting) report.reasons.push_back("starting");
  if (phase_ == Phase::kDraining) report.reasons.push_back("draining");
  if (phase_ == Phase::kStopped) report.reasons.push_back("stopped");
  if (stuck) report.reasons.push_back("loop_stalled");
  if (behind_) report.reasons.push_back("store_behind");
  for (const Part part : {Part::kJournal, Part::kStore, Part::kRequests}) {
    if (!failing(part)) continue;
    const State& state = states_[index(part)];
    const bool full = state.error.code == ErrorCode::kDiskFull;
    report.reasons.push_back(full ? "disk_full" : state.name + "_failing");
    if (full) break;  // the same disk
  }
  if (failing(Part::kSearch)) report.warnings.push_back("search_failing");
  report.alive = phase_ != Phase::kStopped && !writes_fail() && !stuck;
  report.ready = report.reasons.empty();
  return report;
}

}  // namespace kith::server
