// HeldRequests: one load for all of a user's requests.
#include "server/dispatch/held_requests.h"

#include "server/requests/request_frame.h"
#include "src/request_view.h"

namespace kith::server {

void HeldRequests::hold(const Caller& caller, const RequestView& request, Reply&& reply) {
  hold(caller, frame_of(request), std::move(reply));
}

void HeldRequests::hold(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  std::deque<Held>& waiting = held_[caller.user];
  if (waiting.size() >= kMax) {
    return reply_error(reply, make_error(ErrorCode::kOverloaded, "the account is being read"));
  }
  waiting.push_back({caller, std::move(frame), std::move(reply)});
  if (waiting.size() > 1) return;
  users_.with(caller.user,
              guard_.wrap([this, user = caller.user](const Result<Users::Record>& record) {
                loaded(user, record);
              }));
}

// A request that comes in the meantime goes last.
void HeldRequests::loaded(const UserId& user, const Result<Users::Record>& record) {
  const Guard::Watch here = guard_.watch();  // a callback may destroy this
  const auto waiting = held_.find(user);
  while (!waiting->second.empty()) {
    Held next = std::move(waiting->second.front());
    // Without a record the reading counts as private.
    next.caller.receipts = record && *record != nullptr && (*record)->privacy.receipts;
    if (!record && next.reply) {
      reply_error(next.reply, record.error());
    } else {
      go_(next.caller, std::move(next.frame), std::move(next.reply));
    }
    if (here.gone()) return;
    waiting->second.pop_front();
  }
  held_.erase(waiting);
}

}  // namespace kith::server
