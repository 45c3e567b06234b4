// TokenRenewal: when the next token is asked for, and what becomes of it.
#include "client/token_renewal.h"

#include <algorithm>
#include <utility>

#include "kith/v1/frame.pb.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

// Before its end a token is renewed, a tenth of its life ahead within these bounds.
constexpr Millis kLeadMin = 10s;
constexpr Millis kLeadMax = 5min;
constexpr Millis kWaitMin = 1s;  // a back end that gives out dead tokens is not hammered
constexpr Millis kRetry = 30s;

}  // namespace

TokenRenewal::TokenRenewal(Scheduler& scheduler, Random& random, Credentials& credentials,
                           const ServerTime& server_time, Hooks hooks)
    : random_(random),
      credentials_(credentials),
      server_time_(server_time),
      hooks_(std::move(hooks)),
      timer_(scheduler, [this] {
        asked_ = true;
        credentials_.ask();
      }) {}

// Spread: a crowd that signed in together does not ask together.
void TokenRenewal::arm(std::uint64_t expires_ms) {
  timer_.stop();
  if (expires_ms == 0 || !credentials_.can_ask()) return;
  const std::int64_t left = server_time_.until(static_cast<std::int64_t>(expires_ms));
  const std::int64_t lead = std::clamp<std::int64_t>(left / 10, kLeadMin.count(), kLeadMax.count());
  const auto spread =
      static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(lead) / 2));
  timer_.start(Millis(std::max({left - lead - spread, left / 2, kWaitMin.count()})));
}

void TokenRenewal::try_again() {
  timer_.start(
      Millis(kRetry.count() + static_cast<std::int64_t>(random_.below(kRetry.count() / 4))));
}

// Until the server has accepted the new token the old one stays.
bool TokenRenewal::take(const Result<std::string>& token) {
  if (!std::exchange(asked_, false) || !hooks_.signed_in()) return false;
  if (!token) {
    if (token.error().retry() != Retry::kNever) try_again();
    return true;
  }
  if (*token == credentials_.token())
    return true;  // there is no other: the server will say when it has ended
  v1::ClientFrame frame;
  frame.mutable_renew_token()->set_access_token(*token);
  hooks_.request(frame, [this, fresh = *token](const v1::ServerFrame* answer, const Error& error) {
    if (answer) {
      credentials_.keep(fresh);
      arm(answer->ack().session_expires_ms());
    } else if (error.retry() == Retry::kAfterBackoff && hooks_.signed_in()) {
      try_again();
    }
  });
  return true;
}

}  // namespace kith::client
