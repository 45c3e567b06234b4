// Registration: adding sessions, and adding them again.
#include "server/gateway/registration.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::int64_t kStepMs = 20;
constexpr std::size_t kOfStep = limits::registrations_per_s * kStepMs / 1000;

}  // namespace

Registration::Registration(const Ports& ports)
    : ports_(ports),
      bell_(ports.sessions, ports.output, ports.scheduler, ports.random),
      timer_(ports.scheduler, [this] { step(); }) {
  ports_.registry.add_gateway(ports_.gateway, [this] { lost(); });
}

Registration::~Registration() {
  for (const auto& [id, waiting] : waiting_) ports_.scheduler.cancel(waiting.limit);
  ports_.registry.remove_gateway(ports_.gateway);
}

SessionRef Registration::ref(const Session& session) const {
  return {ports_.gateway, session.id(), session.admission().device};
}

void Registration::enter(Session& session, std::function<void()> welcome) {
  add(session);
  // Mostly it has answered already.
  if (!session.registered.asked) return welcome();
  const std::uint64_t id = session.id();
  const auto limit = ports_.scheduler.after(limits::registration_wait, [this, id] {
    if (Session* late = ports_.sessions.find(id)) late->registered.missed = Session::Missed::kLate;
    greet(id);
  });
  waiting_.emplace(id, Waiting{std::move(welcome), limit});
}

void Registration::leave(const Session& session) {
  const auto waiting = waiting_.find(session.id());
  if (waiting != waiting_.end()) {
    ports_.scheduler.cancel(waiting->second.limit);
    waiting_.erase(waiting);
  }
  ports_.registry.remove(session.admission().user, ref(session));
}

void Registration::bus_lost() {
  ++bus_losses_;
  bell_.ring_all(limits::resync_spread);
}

void Registration::add(Session& session) {
  session.registered.asked = true;
  ports_.registry.add(session.admission().user, ref(session),
                      guard_.wrap([this, id = session.id()](const Result<void>& answer) {
                        added(id, answer.ok());
                      }));
}

void Registration::added(std::uint64_t id, bool ok) {
  Session* session = ports_.sessions.find(id);
  if (session == nullptr || !session->ready()) return;
  Session::Registered& state = session->registered;
  state.asked = false;
  if (!ok) {
    failed(*session);
  } else if (std::exchange(state.lost, false)) {  // perhaps after this add
    state.missed = Session::Missed::kLost;
    again(*session, ports_.scheduler.clock().steady_ms());
  } else {
    state.failures = 0;
    const auto missed = std::exchange(state.missed, Session::Missed::kNothing);
    if (missed == Session::Missed::kLate) bell_.ring(*session, Millis(0));
    // As many as the gateway has, and all gateways of the registry.
    if (missed == Session::Missed::kLost) bell_.ring(*session, limits::resync_spread);
  }
  greet(id);
}

void Registration::greet(std::uint64_t id) {
  auto waiting = waiting_.extract(id);
  if (waiting.empty()) return;
  ports_.scheduler.cancel(waiting.mapped().limit);
  waiting.mapped().welcome();
}

void Registration::failed(Session& session) {
  ++failures_;
  Session::Registered& state = session.registered;
  if (std::exchange(state.lost, false)) state.missed = Session::Missed::kLost;
  if (state.missed == Session::Missed::kNothing) state.missed = Session::Missed::kLate;
  constexpr std::int64_t kFirst = Millis(limits::registration_pause_first).count();
  constexpr std::int64_t kMost = Millis(limits::registration_pause_max).count();
  const std::int64_t most = std::min(kMost, kFirst << std::min<std::uint32_t>(state.failures, 16));
  ++state.failures;
  const auto half = static_cast<std::uint64_t>(most / 2);
  const auto pause = static_cast<std::int64_t>(half + ports_.random.below(half + 1));
  again(session, ports_.scheduler.clock().steady_ms() + pause);
}

// A session that waits for another attempt is added by it.
void Registration::lost() {
  ++losses_;
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  ports_.sessions.each([&](Session& session) {
    if (!session.ready()) return;
    Session::Registered& state = session.registered;
    if (state.asked) {
      state.lost = true;
    } else {
      state.missed = Session::Missed::kLost;
      again(session, now);
    }
  });
}

void Registration::again(Session& session, std::int64_t at_ms) {
  if (std::exchange(session.registered.waits, true)) return;
  again_.emplace(at_ms, session.id());
  arm();
}

void Registration::arm() {
  if (again_.empty()) return;
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const std::int64_t at = std::max(again_.top().first, now + kStepMs);
  if (timer_.waits() && armed_ms_ <= at) return;
  armed_ms_ = at;
  timer_.start(Millis(at - now));
}

void Registration::step() {
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  for (std::size_t i = 0; i < kOfStep && !again_.empty() && again_.top().first <= now; ++i) {
    Session* session = ports_.sessions.find(again_.top().second);
    again_.pop();
    if (session == nullptr || !session->ready()) continue;
    session->registered.waits = false;
    add(*session);
  }
  arm();
}

void Registration::add_stats(std::map<std::string, std::uint64_t>& into) const {
  into["registrations_failed"] = failures_;
  into["registry_losses"] = losses_;
  into["bus_losses"] = bus_losses_;
  into["resyncs_told"] = bell_.rung();
}

}  // namespace kith::server
