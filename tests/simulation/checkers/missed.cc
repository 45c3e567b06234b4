// Sessions that may have missed pushes, and since when nothing was sent to say so.
#include "tests/simulation/checkers/missed.h"

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::sim {
namespace {

// A session that lags, because its device has not read for up to 60 s, is notified by its next Pong.
constexpr std::int64_t kToldWithinMs =
    Millis(limits::resync_spread).count() + 60'000 + Millis(limits::heartbeat).count() + 10'000;
// The registry says that it has lost sessions, and the gateway adds them again, in spite of a failure or two.
constexpr std::int64_t kRegisteredWithinMs = 60'000;

// A device that does not read for up to 60 s, on a slow network, with a sync under way.
constexpr std::int64_t kSyncsWithinMs = 75'000;

}  // namespace

void MissedChecker::connects(const Who& who) {
  State& state = states_[who.device];
  state.welcomed = state.late = false;
  state.missed_since.reset();
  state.notified.reset();
}

void MissedChecker::server_starts(const Budget& budget) {
  std::erase_if(states_, [&](const auto& of) { return truth_.of_home(of.first, budget.home); });
}

void MissedChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  State& state = states_[who.device];
  if (frame.has_goodbye()) return connects(who);
  if (frame.has_welcome()) {
    state.welcomed = true;
    state.late = !state.entering.empty();
    state.missed_since.reset();
    state.notified.reset();
  } else if (frame.pong().resync()) {
    state.missed_since.reset();
    if (state.welcomed && !state.notified) state.notified = truth_.now();
  }
}

void MissedChecker::asks(const Who& who, const v1::ClientFrame& frame) {
  if (!frame.has_sync()) return;
  State& state = states_[who.device];
  judge_sync(who, state);
  state.notified.reset();
}

void MissedChecker::judge_sync(const Who& who, const State& state) {
  if (!state.notified || truth_.now() - *state.notified <= kSyncsWithinMs) return;
  broken(33, who.name + " was notified, and did not sync");
}

void MissedChecker::enters(const Who& who, std::uint64_t session) {
  State& state = states_[who.device];
  if (!state.registered.contains(session)) state.entering.insert(session);
}

void MissedChecker::entered(const Who& who, std::uint64_t session) {
  State& state = states_[who.device];
  state.entering.erase(session);
  state.registered.insert(session);
  state.unregistered_since.reset();
  if (!state.late || !state.entering.empty()) return;
  state.late = false;
  missed(state);
}

void MissedChecker::left(const Who& who, std::uint64_t session) {
  State& state = states_[who.device];
  state.entering.erase(session);
  state.registered.erase(session);
}

void MissedChecker::registry_lost(const server::Home& home) {
  for (auto& [device, state] : states_) {
    if (!truth_.of_home(device, home)) continue;
    state.late = state.welcomed;
    if (!state.registered.empty()) state.unregistered_since = truth_.now();
    state.registered.clear();
  }
}

void MissedChecker::bus_lost(const server::Home& home) {
  for (auto& [device, state] : states_) {
    if (state.welcomed && truth_.of_home(device, home)) missed(state);
  }
}

void MissedChecker::missed(State& state) {
  if (!state.missed_since) state.missed_since = truth_.now();
}

void MissedChecker::at_rest() {
  const auto longer = [this](const std::optional<std::int64_t>& since, std::int64_t limit) {
    return since && truth_.now() - *since > limit;
  };
  for (const Who& who : truth_.devices) {
    if (truth_.gone(who.user)) continue;
    const State& state = states_[who.device];
    judge_sync(who, state);
    if (longer(state.missed_since, kToldWithinMs)) {
      broken(33, who.name + " may have missed pushes, and was not told");
    }
    if (longer(state.unregistered_since, kRegisteredWithinMs)) {
      broken(33, who.name + " is online, and the registry does not know it");
    }
  }
}

}  // namespace kith::sim
