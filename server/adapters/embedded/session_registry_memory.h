// The sessions of all users in the memory of one process.
#pragma once

#include <string>
#include <vector>

#include "kith/server/ports/session_registry.h"
#include "src/id_map.h"

namespace kith::server {

class SessionRegistryMemory : public SessionRegistry {
 public:
  void add(const UserId& user, const SessionRef& session) override;
  void remove(const UserId& user, const SessionRef& session) override;
  void lookup(const UserId& user, Done<std::vector<SessionRef>> done) override;
  [[nodiscard]] const std::vector<SessionRef>* at_hand(const UserId& user) const override;
  void remove_gateway(const std::string& gateway) override;

 private:
  // A user has a handful of sessions: a vector beats every map.
  IdMap<UserId, std::vector<SessionRef>> sessions_;
};

}  // namespace kith::server
