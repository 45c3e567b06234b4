// Fanout brings one encoded frame to every session of some users, wherever their gateways are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kith/core/ids.h"
#include "server/delivery/push.h"

namespace kith::server {

class Fanout {
 public:
  virtual ~Fanout() = default;

  // `except`: the session that caused the push and must not receive it; 0 = none.
  virtual void to_users(std::span<const UserId> users, const Push& push,
                        std::uint64_t except = 0) = 0;
  virtual void to_sessions(std::vector<std::uint64_t> sessions, const Push& push) = 0;

  void to_user(const UserId& user, const Push& push, std::uint64_t except = 0) {
    to_users(std::span(&user, 1), push, except);
  }
  void to_session(std::uint64_t session, const Push& push) { to_sessions({session}, push); }
};

}  // namespace kith::server
