// ConnectionStatus: the state of the connection, and why the last attempt failed; notifies of each change once.
#pragma once

#include "client/connection_listener.h"

namespace kith::client {

class ConnectionStatus {
 public:
  explicit ConnectionStatus(ConnectionListener& listener) : listener_(listener) {}

  [[nodiscard]] ConnectionState state() const { return state_; }
  // kCancelled: nothing has failed.
  [[nodiscard]] const Error& last_error() const { return last_error_; }

  // `reason`: kCancelled unless something failed.
  void set(ConnectionState state, const Error& reason) {
    if (state == state_ && reason.code == last_error_.code) return;
    if (state == ConnectionState::kOnline || reason.code != ErrorCode::kCancelled)
      last_error_ = reason;
    state_ = state;
    listener_.on_state(state, reason);
  }

 private:
  ConnectionListener& listener_;
  ConnectionState state_ = ConnectionState::kOffline;
  Error last_error_{ErrorCode::kCancelled, ""};
};

}  // namespace kith::client
