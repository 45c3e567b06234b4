// Subscriptions, and the pushes for them.
#include "server/presence/watching_sessions.h"

#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::server {

void WatchingSessions::open(const Caller& caller) {
  viewers_[caller.session] = {caller, false, {}};
  sessions_[caller.user].push_back(caller.session);
}

void WatchingSessions::close(std::uint64_t session) {
  const auto found = viewers_.find(session);
  if (found == viewers_.end()) return;
  const UserId user = found->second.caller.user;
  for (const auto& [target, subscription] : std::exchange(found->second.subscriptions, {})) {
    unwatch(target, session);
  }
  viewers_.erase(session);
  auto& own = sessions_[user];
  std::erase(own, session);
  if (own.empty()) sessions_.erase(user);
}

bool WatchingSessions::set_active(std::uint64_t session, bool active) {
  const auto found = viewers_.find(session);
  if (found == viewers_.end() || found->second.active == active) return false;
  found->second.active = active;
  return true;
}

void WatchingSessions::show_latest(std::uint64_t session) {
  const auto found = viewers_.find(session);
  if (found == viewers_.end()) return;
  std::vector<UserId> targets;
  for (const auto& [target, subscription] : found->second.subscriptions) targets.push_back(target);
  for (const UserId& target : targets) notify(session, target);
}

void WatchingSessions::subscribe(std::uint64_t session, const v1::PresenceSubscribe& request) {
  for (const std::string& bytes : request.remove()) {
    const auto target = user_id(bytes);
    const auto viewer = viewers_.find(session);
    if (!target || viewer == viewers_.end()) continue;
    if (viewer->second.subscriptions.erase(*target) > 0) unwatch(*target, session);
  }
  for (const std::string& bytes : request.add()) {
    const auto target = user_id(bytes);
    if (!target) continue;
    const auto viewer = viewers_.find(session);
    if (viewer == viewers_.end()) return;
    auto& subscriptions = viewer->second.subscriptions;
    if (!subscriptions.contains(*target) &&
        subscriptions.size() >= limits::presence_subscriptions_max) {
      continue;  // the client knows the limit from Welcome
    }
    subscriptions[*target].pushed.reset();  // asked again: answered again
    watch(*target, session);
    notify(session, *target);
  }
}

void WatchingSessions::watch(const UserId& target, std::uint64_t session) {
  const auto [watchers, first] = watchers_.try_emplace(target);
  watchers->second.insert(session);
  if (first) targets_.watched(target, true);
}

void WatchingSessions::unwatch(const UserId& target, std::uint64_t session) {
  const auto found = watchers_.find(target);
  if (found == watchers_.end()) return;
  found->second.erase(session);
  if (!found->second.empty()) return;
  watchers_.erase(found);
  targets_.watched(target, false);
}

void WatchingSessions::target_changed(const UserId& target) {
  const auto found = watchers_.find(target);
  if (found == watchers_.end()) return;
  const std::vector<std::uint64_t> sessions(found->second.begin(), found->second.end());
  for (const std::uint64_t session : sessions) notify(session, target);
}

void WatchingSessions::viewer_changed(const UserId& user) {
  const auto found = sessions_.find(user);
  if (found == sessions_.end()) return;
  std::vector<std::pair<std::uint64_t, UserId>> own;
  for (const std::uint64_t session : found->second) {
    for (const auto& [target, subscription] : viewers_.at(session).subscriptions)
      own.emplace_back(session, target);
  }
  for (const auto& [session, target] : own) notify(session, target);
}

std::vector<UserId> WatchingSessions::targets() const {
  std::vector<UserId> all;
  all.reserve(watchers_.size());
  for (const auto& [target, sessions] : watchers_) all.push_back(target);
  return all;
}

void WatchingSessions::notify(std::uint64_t session, const UserId& target) {
  const auto viewer = viewers_.find(session);
  if (viewer == viewers_.end() || !viewer->second.active) return;
  const auto subscription = viewer->second.subscriptions.find(target);
  if (subscription == viewer->second.subscriptions.end()) return;
  const std::uint64_t judgement = subscription->second.judgement = ++judgements_;
  users_.with(target, guard_.wrap([this, session, judgement, target,
                                   user = viewer->second.caller.user](
                                      const Result<Users::Record>& record) {
    users_.with(user, guard_.wrap([this, session, judgement, target,
                                   known = record ? *record : nullptr](
                                      const Result<Users::Record>& own) {
      if (!own || !*own) return;
      UserRecord nobody;  // unknown and withheld look alike
      nobody.id = target;
      nobody.privacy.online = nobody.privacy.last_seen = Audience::kNobody;
      push_if_changed(session, judgement, known ? *known : nobody, **own);
    }));
  }));
}

void WatchingSessions::push_if_changed(std::uint64_t session, std::uint64_t judgement,
                                       const UserRecord& target, const UserRecord& viewer) {
  const auto found = viewers_.find(session);
  if (found == viewers_.end() || !found->second.active) return;
  const auto entry = found->second.subscriptions.find(target.id);
  if (entry == found->second.subscriptions.end() || entry->second.judgement != judgement) return;
  const std::optional<bool> online = targets_.online(target.id);
  if (!online) return;
  const VisiblePresence visible = visible_to(target, viewer, *online);
  std::optional<VisiblePresence>& pushed = entry->second.pushed;
  if (pushed == visible) return;
  pushed = visible;
  v1::ServerFrame frame;
  frame.mutable_presence_push()->set_user_id(target.id.bytes());
  frame.mutable_presence_push()->set_state(visible.state);
  frame.mutable_presence_push()->set_last_seen_ms(static_cast<std::uint64_t>(visible.last_seen_ms));
  // Not droppable as typing is: the next change may be hours away.
  fanout_.to_session(session, make_push(frame, DeliveryClass::kReceipt));
}

}  // namespace kith::server
