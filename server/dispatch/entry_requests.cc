// EntryRequests: tokens, passwords and registrations, each within what its address and its account may try.
#include "server/dispatch/entry_requests.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"
#include "src/frame_codec.h"
#include "src/handle.h"

namespace kith::server {

void EntryRequests::admit(const v1::Hello& hello, const std::string& address, Judged judged) {
  ports_.sign_in.admit(
      hello,
      guard_.wrap([this, address, judged = std::move(judged)](const Result<Admission>& admission) {
        const bool refused = !admission && admission.error().code == ErrorCode::kUnauthenticated &&
                             ports_.budget.token_refused(address, now());
        if (!refused) return judged(admission, Connection::kStays);
        ports_.refusals.note(RefusalClass::kToken, address);
        refuse_late(admission.error(),
                    [judged](const Error& error) { judged(error, Connection::kEnds); });
      }));
}

void EntryRequests::sign_in(const v1::SignIn& typed, const std::string& address,
                            Done<v1::SignedIn> done) {
  v1::SignIn request = typed;
  request.set_handle(mapped_handle(typed.handle()));
  const auto device = device_id(request.device_id());
  const UserId user = UserId::of(request.handle());
  SignInAttempt attempt;
  const std::uint32_t wait =
      ports_.budget.begin(user, device ? *device : DeviceId(), address, now(), attempt);
  if (wait > 0) {
    ports_.refusals.note(RefusalClass::kSignIn, address);
    return refuse_late(make_error(ErrorCode::kRateLimited, "too many sign-ins that failed", wait),
                       [done](const Error& error) { done(error); });
  }
  const auto answered = guard_.wrap(
      [this, address, user, device, attempt, done = std::move(done)](Result<v1::SignedIn> answer) {
        tried(attempt, address, answer ? Status() : Status(answer.error()));
        if (answer) ports_.budget.remember(user, *device, address, now());
        done(std::move(answer));
      });
  ports_.sign_in.sign_in(request, attempt.turn, answered);
}

void EntryRequests::register_account(const v1::Register& typed, const std::string& address,
                                     Done<v1::SignedIn> done) {
  v1::Register request = typed;
  request.set_handle(mapped_handle(typed.handle()));
  const std::uint32_t wait = ports_.budget.register_account(address, now());
  if (wait > 0) {
    ports_.refusals.note(RefusalClass::kRegistration, address);
    return refuse_late(make_error(ErrorCode::kRateLimited, "too many new accounts", wait),
                       [done](const Error& error) { done(error); });
  }
  const auto answered = guard_.wrap([this, address, user = UserId::of(request.handle()),
                                     device = device_id(request.device_id()),
                                     done = std::move(done)](Result<v1::SignedIn> answer) {
    if (answer) {
      ports_.budget.remember(user, *device, address, now());
    } else if (answer.error().retry() != Retry::kNever) {
      ports_.budget.registered_nothing(address, now());
    }
    done(std::move(answer));
  });
  ports_.sign_in.register_account(request, ports_.budget.turn_of(address), answered);
}

// The first session goes on by its new token; whatever was made before, tickets included, is refused.
void EntryRequests::change_password(const Admission& who, const std::string& address,
                                    const v1::ChangePassword& request, Done<SignIn::Changed> done) {
  SignInAttempt attempt;
  if (const std::uint32_t wait = begin_proof(who, address, attempt); wait > 0)
    return done(make_error(ErrorCode::kRateLimited, "too many wrong passwords", wait));
  const auto answered = guard_.wrap(
      [this, address, attempt, done = std::move(done)](Result<SignIn::Changed> changed) {
        tried(attempt, address, changed ? Status() : Status(changed.error()));
        done(std::move(changed));
      });
  ports_.sign_in.change_password(who, request, attempt.turn, answered);
}

void EntryRequests::delete_account(const Admission& who, const std::string& address,
                                   const std::string& password, Done<void> done) {
  SignInAttempt attempt;
  if (const std::uint32_t wait = begin_proof(who, address, attempt); wait > 0)
    return done(make_error(ErrorCode::kRateLimited, "too many wrong passwords", wait));
  const auto proven = guard_.wrap(
      [this, user = who.user, address, attempt, done = std::move(done)](const Status& own) {
        tried(attempt, address, own);
        if (!own) return done(own);
        ports_.services.remove_account(user, done);
      });
  ports_.sign_in.check_password(who.user, attempt.turn, password, proven);
}

std::uint32_t EntryRequests::begin_proof(const Admission& who, const std::string& address,
                                         SignInAttempt& attempt) {
  // Its session says so, whoever has come in since.
  ports_.budget.remember(who.user, who.device, address, now());
  const std::uint32_t wait = ports_.budget.begin(who.user, who.device, address, now(), attempt);
  if (wait == 0) return 0;
  ++rate_limited_;
  ports_.refusals.note(RefusalClass::kSignIn, address);
  return wait;
}

void EntryRequests::tried(const SignInAttempt& attempt, const std::string& address,
                          const Status& outcome) {
  if (outcome) {
    ports_.budget.succeeded(attempt, now());
  } else if (outcome.error().code == ErrorCode::kUnauthenticated) {
    ports_.refusals.note(RefusalClass::kPassword, address);
  } else {
    ports_.budget.undecided(attempt, now());
  }
}

void EntryRequests::refuse_late(const Error& error, std::function<void(const Error&)> answer) {
  ++rate_limited_;
  const std::int64_t due = now() + error.retry_after_ms;
  ports_.scheduler.after(
      limits::refused_entry_delay, guard_.wrap([this, error, due, answer = std::move(answer)] {
        Error left = error;
        if (left.retry_after_ms > 0) {
          left.retry_after_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(1, due - now()));
        }
        answer(left);
      }));
}

}  // namespace kith::server
