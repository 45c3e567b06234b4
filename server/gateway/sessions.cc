// Sessions: one table, and the ways to find a session in it.
#include "server/gateway/sessions.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace kith::server {

Session& Sessions::add(ConnectionId connection, const std::string& address, std::int64_t now_ms) {
  auto made =
      std::make_unique<Session>(table_.next_id(), connection, timing_, bounds_, address, now_ms);
  Session& session = *made;
  session.entry.order = ++opened_;
  table_.add(std::move(made));
  if (connection.shard >= by_connection_.size()) by_connection_.resize(connection.shard + 1);
  auto& of_shard = by_connection_[connection.shard];
  if (connection.index >= of_shard.size()) of_shard.resize(connection.index + 1);
  of_shard[connection.index] = &session;
  return session;
}

void Sessions::erase(const Session& session) {
  const ConnectionId connection = session.connection();
  Session*& here = by_connection_[connection.shard][connection.index];
  if (here == &session) here = nullptr;
  table_.erase(session.id());
}

Session* Sessions::find(ConnectionId id) const {
  if (id.shard >= by_connection_.size()) return nullptr;
  const auto& of_shard = by_connection_[id.shard];
  Session* session = id.index < of_shard.size() ? of_shard[id.index] : nullptr;
  return session != nullptr && session->connection() == id ? session : nullptr;
}

void Sessions::enter(const Session& session) {
  by_user_[session.admission().user].push_back(session.id());
}

bool Sessions::leave(const Session& session) {
  const auto found = by_user_.find(session.admission().user);
  if (found == by_user_.end()) return false;
  const auto removed = std::erase(found->second, session.id());
  if (found->second.empty()) by_user_.erase(found);
  return removed > 0;
}

std::vector<Session*> Sessions::of(const UserId& user) const {
  std::vector<Session*> all;
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return all;
  for (const std::uint64_t id : found->second) {
    if (Session* session = find(id)) all.push_back(session);
  }
  return all;
}

std::size_t Sessions::count(const UserId& user) const {
  const auto found = by_user_.find(user);
  return found == by_user_.end() ? 0 : found->second.size();
}

bool Sessions::online(const UserId& user, const DeviceId& device) const {
  const auto found = by_user_.find(user);
  if (found == by_user_.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [&](std::uint64_t id) {
    const Session* session = find(id);
    return session != nullptr && session->admission().device == device;
  });
}

}  // namespace kith::server
