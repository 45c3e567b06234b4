// The sessions of all users in the memory of one process.
#include "server/adapters/embedded/session_registry_memory.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

SessionRegistryMemory::SessionRegistryMemory(Scheduler& scheduler) : scheduler_(scheduler) {
  forget_all();
}

SessionRegistryMemory::~SessionRegistryMemory() {
  scheduler_.cancel(doubt_);
}

void SessionRegistryMemory::add_gateway(const std::string& gateway, std::function<void()> lost) {
  gateways_[gateway] = std::make_shared<const std::function<void()>>(std::move(lost));
}

void SessionRegistryMemory::remove_gateway(const std::string& gateway) {
  gateways_.erase(gateway);
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    std::erase_if(it.value(), [&](const SessionRef& ref) { return ref.gateway == gateway; });
    it = it->second.empty() ? sessions_.erase(it) : std::next(it);
  }
}

void SessionRegistryMemory::add(const UserId& user, const SessionRef& session, Done<void> done) {
  auto& of_user = sessions_[user];
  if (std::find(of_user.begin(), of_user.end(), session) == of_user.end()) {
    of_user.push_back(session);
  }
  done({});
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

const std::vector<SessionRef>* SessionRegistryMemory::cached(const UserId& user) const {
  static const std::vector<SessionRef> kNone;
  const auto it = sessions_.find(user);
  return it == sessions_.end() ? &kNone : &it->second;
}

void SessionRegistryMemory::lose_all() {
  forget_all();
  notify_gateways();
}

void SessionRegistryMemory::forget_all() {
  sessions_.clear();
  complete_ = false;
  scheduler_.cancel(doubt_);
  doubt_ = scheduler_.after(limits::registry_doubt, [this] { complete_ = true; });
}

void SessionRegistryMemory::notify_gateways() {
  const auto known = gateways_;
  for (const auto& [gateway, lost] : known) {
    if (gateways_.contains(gateway)) (*lost)();
  }
}

}  // namespace kith::server
