// Session: deadlines of one connection.
#include "server/gateway/session.h"

#include <algorithm>

namespace kith::server {

std::int64_t Session::deadline() const {
  std::int64_t at = heard_ms_ + timing_.idle_ms;
  if (state_ == State::kConnected) at = std::min(at, opened_ms_ + timing_.hello_ms);
  if (state_ == State::kReady && expires_steady_ms_ != 0) at = std::min(at, expires_steady_ms_);
  if (queue.lagging()) at = std::min(at, queue.lagging_since_ms() + timing_.lagging_ms);
  return at;
}

Session::Due Session::due(std::int64_t now_ms) const {
  if (state_ == State::kClosing) return Due::kNothing;
  if (state_ == State::kConnected && now_ms >= opened_ms_ + timing_.hello_ms) return Due::kHello;
  if (queue.lagging() && now_ms >= queue.lagging_since_ms() + timing_.lagging_ms) return Due::kSlow;
  if (state_ == State::kReady && expires_steady_ms_ != 0 && now_ms >= expires_steady_ms_) {
    return Due::kTokenExpired;
  }
  return now_ms >= heard_ms_ + timing_.idle_ms ? Due::kIdle : Due::kNothing;
}

}  // namespace kith::server
