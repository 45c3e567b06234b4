// Gateway: what accounts and addresses may do, and what becomes of the rest.
#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/gateway/gateway.h"
#include "src/error.h"
#include "src/frame_codec.h"
#include "src/handle.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kUnackedWaitMs = 100;
constexpr std::uint32_t kExcessHoldMs = 250;
constexpr std::uint32_t kReturnHoldMs = 1'000;

}  // namespace

// --- before somebody has signed in ---

void Gateway::sign_in(Session& session, const v1::SignIn& typed, const Reply& reply) {
  v1::SignIn request = typed;
  request.set_handle(mapped_handle(typed.handle()));
  const auto device = device_id(request.device_id());
  const UserId user = UserId::of(request.handle());
  SignInAttempt tried;
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const std::uint32_t wait =
      entry_.begin(user, device ? *device : DeviceId(), session.address(), now, tried);
  if (wait > 0) {
    refusals_.note(RefusalClass::kSignIn, session.address());
    const Error error = make_error(ErrorCode::kRateLimited, "too many sign-ins that failed", wait);
    return refuse_entry(session, reply, error, Connection::kStays);
  }
  session.authenticating();
  const auto done = [this, alive = alive_, id = session.id(), address = session.address(), user,
                     device, tried, reply](Result<v1::SignedIn> answer) {
    if (!*alive) return;
    const std::int64_t at = ports_.scheduler.clock().steady_ms();
    if (answer) {
      entry_.succeeded(tried, at);
      entry_.remember(user, *device, address, at);
    } else if (answer.error().code == ErrorCode::kUnauthenticated) {
      refusals_.note(RefusalClass::kPassword, address);
    } else {
      entry_.undecided(tried, at);
    }
    entered(id, reply, std::move(answer));
  };
  ports_.door.sign_in(request, tried.turn, done);
}

void Gateway::register_account(Session& session, const v1::Register& typed, const Reply& reply) {
  v1::Register request = typed;
  request.set_handle(mapped_handle(typed.handle()));
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const std::uint32_t wait = entry_.register_account(session.address(), now);
  if (wait > 0) {
    refusals_.note(RefusalClass::kRegistration, session.address());
    const Error error = make_error(ErrorCode::kRateLimited, "too many new accounts", wait);
    return refuse_entry(session, reply, error, Connection::kStays);
  }
  session.authenticating();
  const auto done = [this, alive = alive_, id = session.id(), address = session.address(),
                     user = UserId::of(request.handle()), device = device_id(request.device_id()),
                     reply](Result<v1::SignedIn> answer) {
    if (!*alive) return;
    const std::int64_t at = ports_.scheduler.clock().steady_ms();
    if (answer) {
      entry_.remember(user, *device, address, at);
    } else if (answer.error().retry() != Retry::kNever) {
      entry_.registered_nothing(address, at);
    }
    entered(id, reply, std::move(answer));
  };
  ports_.door.register_account(request, entry_.turn_of(session.address()), done);
}

void Gateway::entered(std::uint64_t id, const Reply& reply, Result<v1::SignedIn> answer) {
  Session* waiting = find(id);
  if (waiting == nullptr || waiting->state() != Session::State::kAuthenticating) return;
  waiting->expect_hello(ports_.scheduler.clock().steady_ms());
  schedule(*waiting);
  if (!answer) {
    reply_error(reply, answer.error());
    return;
  }
  v1::ServerFrame signed_in;
  *signed_in.mutable_signed_in() = std::move(*answer);
  reply(std::move(signed_in));
}

bool Gateway::token_refused(Session& session, const Error& error) {
  if (error.code != ErrorCode::kUnauthenticated) return false;
  if (!entry_.token_refused(session.address(), ports_.scheduler.clock().steady_ms())) return false;
  refusals_.note(RefusalClass::kToken, session.address());
  return true;
}

void Gateway::refuse_entry(Session& session, const Reply& reply, const Error& error,
                           Connection then) {
  ++counters_.rate_limited;
  session.authenticating();
  const std::int64_t due = ports_.scheduler.clock().steady_ms() + error.retry_after_ms;
  ports_.scheduler.after(limits::refused_entry_delay, [this, alive = alive_, id = session.id(),
                                                       reply, error, due, then] {
    if (!*alive) return;
    Session* waiting = find(id);
    if (waiting == nullptr || waiting->state() != Session::State::kAuthenticating) return;
    const std::int64_t now = ports_.scheduler.clock().steady_ms();
    Error told = error;
    if (told.retry_after_ms > 0)
      told.retry_after_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, due - now));
    waiting->expect_hello(now);
    schedule(*waiting);
    reply_error(reply, told);
    if (then == Connection::kEnds) {
      end(*waiting,
          {v1::GOODBYE_REASON_RATE_LIMITED, close_code::kPolicy, 0, "too many refused tokens"});
    }
  });
}

// --- of an account ---

void Gateway::open_budget(Session& session) {
  const UserId& user = session.admission().user;
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const auto [known, fresh] = budgets_.try_emplace(user);
  if (fresh) known->second = accounts_.come(user, now);
  session.budget = &known->second;
  session.budget->charge(accounts_.rates(), Spend::kQuery, 1, now);
  entry_.remember(user, session.admission().device, session.address(), now);
  // Its last connection was closed for that, maybe a moment ago.
  if (!session.budget->has(accounts_.rates(), Spend::kExcess, 1, now)) hold(session, kReturnHoldMs);
}

std::uint32_t Gateway::take(Session& session, const RequestCost& cost) {
  const AccountRates& rates = accounts_.rates();
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  AccountBudget& budget = *session.budget;
  if (cost.lookups == 0) return budget.take(rates, cost.from, cost.units, now);
  std::uint32_t wait = budget.wait_for(rates, cost.from, cost.units, now);
  // A request without an answer is let through, and paid for before more is read.
  if (cost.answered)
    wait = std::max(wait, budget.wait_for(rates, Spend::kLookup, cost.lookups, now));
  if (wait == 0) wait = entry_.look_up(session.address(), cost.lookups, now);
  if (wait > 0) return wait;
  budget.charge(rates, cost.from, cost.units, now);
  budget.charge(rates, Spend::kLookup, cost.lookups, now);
  return 0;
}

bool Gateway::allow(Session& session, const RequestCost& cost, std::uint64_t req_id) {
  if (req_id != 0 && cost.unacked > 0 &&
      session.unacked + cost.unacked > limits::unacked_items_max) {
    refuse(session, cost, req_id, kUnackedWaitMs);
    return false;
  }
  const std::uint32_t wait = take(session, cost);
  if (wait == 0) return true;
  refuse(session, cost, req_id, wait);
  return false;
}

// Who does not wait is read later, and, going on all the same, sent away.
void Gateway::refuse(Session& session, const RequestCost& cost, std::uint64_t req_id,
                     std::uint32_t wait_ms) {
  ++counters_.rate_limited;
  refusals_.note(cost.lookups > 0 ? RefusalClass::kLookup : RefusalClass::kRequest,
                 session.address());
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const std::uint32_t excess = session.budget->take(accounts_.rates(), Spend::kExcess, 1, now);
  if (cost.answered) {
    reply_error(replier(session, req_id),
                make_error(ErrorCode::kRateLimited, "too many requests", wait_ms));
  }
  if (excess > 0) {
    refusals_.note(RefusalClass::kExcess, session.address());
    end(session, {v1::GOODBYE_REASON_RATE_LIMITED, close_code::kPolicy, std::max(wait_ms, excess),
                  "requests went on over budget"});
  } else if (!session.budget->has(accounts_.rates(), Spend::kExcess, accounts_.patience(), now)) {
    hold(session, kExcessHoldMs);
  }
}

void Gateway::refuse_invalid(Session& session, std::uint64_t req_id, std::size_t bytes,
                             const Error& error) {
  if (!session.ready()) {
    if (attempt(session, req_id)) reply_error(replier(session, req_id), error);
    return;
  }
  const RequestCost cost{Spend::kQuery, cost_of_refusal(bytes), 0, true, 0};
  if (allow(session, cost, req_id)) reply_error(replier(session, req_id), error);
}

// As many as others send; one that is dropped would hold back DELIVERED. Who has said too much is heard later.
void Gateway::acknowledged(Session& session, const RequestView& request, const RequestCost& cost) {
  AccountBudget& budget = *session.budget;
  budget.charge(accounts_.rates(), Spend::kAck, cost.units, ports_.scheduler.clock().steady_ms());
  hooks_.often(session.caller(), request, Reply());
  if (!session.ready()) return;
  hold(session, session.budget->debt_ms(accounts_.rates(), Spend::kAck,
                                        ports_.scheduler.clock().steady_ms()));
}

void Gateway::hold(Session& session, std::uint32_t ms) {
  if (ms == 0 || session.held || !session.ready()) return;
  session.held = true;
  update_reading(session);
  ports_.scheduler.after(Millis(ms), [this, alive = alive_, id = session.id()] {
    if (!*alive) return;
    Session* held = find(id);
    if (held == nullptr || !held->ready()) return;
    held->held = false;
    hold(*held, held->budget->debt_ms(accounts_.rates(), Spend::kAck,
                                      ports_.scheduler.clock().steady_ms()));
    update_reading(*held);
  });
}

void Gateway::charge(const Caller& caller, Spend kind, std::uint32_t cost) {
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const auto budget = budgets_.find(caller.user);
  if (budget != budgets_.end()) return budget->second.charge(accounts_.rates(), kind, cost, now);
  // Work that ends after its session has gone is paid for when the account comes back.
  AccountBudget gone = accounts_.come(caller.user, now);
  gone.charge(accounts_.rates(), kind, cost, now);
  accounts_.leave(caller.user, gone, now);
}

std::uint32_t Gateway::wait_for(const Caller& caller, Spend kind) {
  const auto budget = budgets_.find(caller.user);
  if (budget == budgets_.end()) return 0;
  return budget->second.wait_for(accounts_.rates(), kind, 1, ports_.scheduler.clock().steady_ms());
}

void Gateway::charge_lookups(const Caller& caller, std::uint32_t people) {
  charge(caller, Spend::kLookup, people);
  const Session* asking = find(caller.session);
  if (asking != nullptr)
    entry_.looked_up(asking->address(), people, ports_.scheduler.clock().steady_ms());
}

std::uint32_t Gateway::wait_for_lookups(const Caller& caller) {
  const std::uint32_t wait = wait_for(caller, Spend::kLookup);
  const Session* asking = find(caller.session);
  if (asking == nullptr) return wait;
  const std::int64_t now = ports_.scheduler.clock().steady_ms();
  const std::uint32_t longest = std::max(wait, entry_.lookups_wait(asking->address(), now));
  if (longest > 0) refusals_.note(RefusalClass::kLookup, asking->address());
  return longest;
}

void Gateway::tell_refusals() {
  refusals_.tick(ports_.scheduler.clock().steady_ms(), [this](const Refusals& refusals) {
    if (!options_.log) return;
    options_.log({LogLevel::kWarning,
                  std::string(event_of(refusals.cls)),
                  std::string(sentence_of(refusals.cls)),
                  {{"address", refusals.address.empty() ? "others" : refusals.address},
                   {"count", std::to_string(refusals.count)}}});
  });
}

}  // namespace kith::server
