// SessionFanout: looks up the sessions of receivers in the registry, and publishes one delivery for each gateway.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "kith/server/ports/bus.h"
#include "kith/server/ports/session_registry.h"
#include "server/delivery/fanout.h"
#include "server/delivery/push.h"

namespace kith::server {

class SessionFanout : public Fanout {
 public:
  // `gateway` is the name of this process's own gateway (Caller::session counts there).
  SessionFanout(SessionRegistry& registry, Bus& bus, std::string gateway);

  void to_users(std::span<const UserId> users, const Push& push, std::uint64_t except = 0) override;
  void to_sessions(std::vector<std::uint64_t> own_sessions, const Push& push) override;

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
