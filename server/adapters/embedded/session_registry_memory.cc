// The sessions of all users in the memory of one process.
#include "server/adapters/embedded/session_registry_memory.h"

#include <algorithm>

namespace kith::server {

void SessionRegistryMemory::add(const UserId& user, const SessionRef& session) {
  auto& of_user = sessions_[user];
  if (std::find(of_user.begin(), of_user.end(), session) == of_user.end()) {
    of_user.push_back(session);
  }
}

void SessionRegistryMemory::remove(const UserId& user, const SessionRef& session) {
  auto it = sessions_.find(user);
  if (it == sessions_.end()) return;
  std::erase(it.value(), session);
  if (it->second.empty()) sessions_.erase(it);
}

void SessionRegistryMemory::lookup(const UserId& user, Done<std::vector<SessionRef>> done) {
  auto it = sessions_.find(user);
  // A copy: the callback may add and remove sessions.
  done(it == sessions_.end() ? std::vector<SessionRef>{} : std::vector<SessionRef>(it->second));
}

const std::vector<SessionRef>* SessionRegistryMemory::at_hand(const UserId& user) const {
  static const std::vector<SessionRef> kNone;
  const auto it = sessions_.find(user);
  return it == sessions_.end() ? &kNone : &it->second;
}

void SessionRegistryMemory::remove_gateway(const std::string& gateway) {
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    std::erase_if(it.value(), [&](const SessionRef& ref) { return ref.gateway == gateway; });
    it = it->second.empty() ? sessions_.erase(it) : std::next(it);
  }
}

}  // namespace kith::server
