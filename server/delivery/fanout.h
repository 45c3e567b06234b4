// Fanout brings one encoded frame to every session of some users, wherever their gateways are.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kith/server/ports/bus.h"
#include "kith/server/ports/session_registry.h"
#include "server/delivery/push.h"
#include "server/requests/caller.h"

namespace kith::server {

class Fanout {
 public:
  // `gateway` is the name of this process's own gateway (Caller::session counts there).
  Fanout(SessionRegistry& registry, Bus& bus, std::string gateway);

  // One bus delivery per gateway that holds a session of any of the users. `except` = own session
  // that must not receive it (the one that caused it), 0 = none.
  void to_users(std::span<const UserId> users, const Push& push, std::uint64_t except = 0);
  void to_user(const UserId& user, const Push& push, std::uint64_t except = 0);
  void to_session(std::uint64_t own_session, const Push& push);
  void to_sessions(std::vector<std::uint64_t> own_sessions, const Push& push);

 private:
  struct Routes;
  void add(const std::vector<SessionRef>& found, std::uint64_t except, Routes& routes) const;
  void publish(Routes& routes, const Push& push);

  SessionRegistry& registry_;
  Bus& bus_;
  std::string gateway_;
  std::vector<std::uint64_t> spare_;  // memory of the last list of own sessions
};

}  // namespace kith::server
