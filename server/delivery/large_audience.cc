// Sessions of large groups: found once, then followed.
#include "server/delivery/large_audience.h"

#include <chrono>

#include "kith/core/limits.h"
#include "server/conversation/conversations.h"

namespace kith::server {

void LargeAudience::closed(const Caller& caller) {
  const auto user = sessions_of_.find(caller.user);
  if (user == sessions_of_.end() || user->second.erase(caller.session) == 0) return;
  if (user->second.empty()) sessions_of_.erase(user);
  const auto entered = groups_of_.find(caller.session);
  if (entered == groups_of_.end()) return;
  for (const ConversationId& id : entered->second) {
    const auto group = groups_.find(id);
    if (group != groups_.end()) group->second.erase(caller.session);
  }
  groups_of_.erase(entered);
}

void LargeAudience::enter(const UserId& user, const std::vector<ConversationId>& groups) {
  const auto sessions = sessions_of_.find(user);
  if (sessions == sessions_of_.end()) return;
  for (const ConversationId& id : groups) {
    const auto group = groups_.find(id);
    if (group == groups_.end()) continue;
    for (const std::uint64_t session : sessions->second) listen(group->second, id, session);
  }
}

void LargeAudience::listen(Group& group, const ConversationId& id, std::uint64_t session) {
  if (group.try_emplace(session, 0).second) groups_of_[session].insert(id);
}

void LargeAudience::touch(const ConversationId& id, std::uint64_t session, std::int64_t now_ms) {
  const auto group = groups_.find(id);
  if (group == groups_.end()) return;
  const auto it = group->second.find(session);
  if (it != group->second.end()) it->second = now_ms + Millis(limits::large_active_for).count();
}

void LargeAudience::correct(Group& group, const Conversation& c, const UserId& user) {
  const auto sessions = sessions_of_.find(user);
  if (sessions == sessions_of_.end()) return;
  const Member* member = find_member(c, user);
  const bool listens = member != nullptr && member->active();
  for (const std::uint64_t session : sessions->second) {
    if (listens) {
      listen(group, c.head.id, session);
    } else {
      group.erase(session);
    }
  }
}

void LargeAudience::changed(const Conversation& c, std::span<const UserId> changed) {
  // Forgetting is safe: a group is looked up again at its next message.
  if (groups_.size() > limits::conversations_cached_max) {
    groups_.clear();
    groups_of_.clear();
  }
  const auto [it, fresh] = groups_.try_emplace(c.head.id);
  if (fresh) {
    for (const auto& [user, sessions] : sessions_of_) correct(it->second, c, user);
    return;
  }
  for (const UserId& user : changed) correct(it->second, c, user);
}

LargeAudience::Reach LargeAudience::reach(const ConversationId& id, std::uint64_t except,
                                          std::int64_t now_ms) const {
  Reach reach;
  const auto group = groups_.find(id);
  if (group == groups_.end()) return reach;
  for (const auto& [session, active_until] : group->second) {
    if (session == except) continue;
    (active_until > now_ms ? reach.active : reach.passive).push_back(session);
  }
  return reach;
}

}  // namespace kith::server
