// HandOver gives connections to the home of their user. A server with one home never needs it.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/gateway/listener.h"
#include "server/gateway/session.h"
#include "server/users/home.h"

namespace kith::server {

class HandOver {
 public:
  // `forget` takes a session out of the gateway, whose connection has gone. `connections` outlives this.
  HandOver(const Home& home, Connections& connections, std::function<void(Session&)> forget)
      : home_(home), connections_(connections), forget_(std::move(forget)) {}

  [[nodiscard]] bool elsewhere(const UserId& user) const { return !home_.has(user); }
  // The bytes of a frame that may have to go elsewhere; none if there is one home.
  [[nodiscard]] std::string copy_of(const v1::ClientFrame& frame) const {
    return home_.count == 1 ? std::string() : frame.SerializeAsString();
  }
  // The session has gone after the call.
  void pass_on(Session& session, const UserId& user, const std::string& frame) {
    connections_.pass_on(session.connection(), home_.of(user), frame);
    forget_(session);
  }

 private:
  const Home home_;
  Connections& connections_;
  const std::function<void(Session&)> forget_;
};

}  // namespace kith::server
