// The sessions of all users in the memory of one process. It begins anew with each process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/session_registry.h"
#include "src/id_map.h"

namespace kith::server {

class SessionRegistryMemory : public SessionRegistry {
 public:
  // `scheduler` must outlive it.
  explicit SessionRegistryMemory(Scheduler& scheduler);
  ~SessionRegistryMemory() override;
  void add_gateway(const std::string& gateway, std::function<void()> lost) override;
  void remove_gateway(const std::string& gateway) override;
  void add(const UserId& user, const SessionRef& session, Done<void> done) override;
  void remove(const UserId& user, const SessionRef& session) override;
  void lookup(const UserId& user, Done<std::vector<SessionRef>> done) override;
  [[nodiscard]] const std::vector<SessionRef>* cached(const UserId& user) const override;
  [[nodiscard]] bool complete() const override { return complete_; }

  // Loses all sessions, as a registry in another process may; its gateways hear of it.
  void lose_all();

 protected:
  void forget_all();
  void notify_gateways();

 private:
  Scheduler& scheduler_;
  Scheduler::TimerId doubt_ = 0;
  bool complete_ = false;
  // Shared, so that a gateway may remove itself while its handler runs.
  std::map<std::string, std::shared_ptr<const std::function<void()>>> gateways_;
  // A user has a handful of sessions: a vector beats every map.
  IdMap<UserId, std::vector<SessionRef>> sessions_;
};

}  // namespace kith::server
