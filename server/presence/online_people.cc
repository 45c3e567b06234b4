// Grace and spacing of what is announced.
#include "server/presence/online_people.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

OnlinePeople::~OnlinePeople() {
  for (auto& [id, person] : people_) scheduler_.cancel(person.timer);
}

void OnlinePeople::session_closed(const UserId& user) {
  const auto found = people_.find(user);
  if (found == people_.end()) return;
  --found->second.sessions;
  if (found->second.idle()) people_.erase(found);
}

void OnlinePeople::session_active(const UserId& user, bool active) {
  Person& person = people_[user];
  if (active) {
    ++person.active_sessions;
  } else {
    --person.active_sessions;
    if (person.active_sessions == 0) person.left_wall_ms = scheduler_.clock().wall().ms;
  }
  settle(user);
}

bool OnlinePeople::online(const UserId& user) const {
  const auto found = people_.find(user);
  return found != people_.end() && found->second.announced_online;
}

void OnlinePeople::freeze() {
  frozen_ = true;
  for (auto& [id, person] : people_) scheduler_.cancel(std::exchange(person.timer, 0));
}

// Brings what is announced in line with what is, not too early and not too often.
void OnlinePeople::settle(const UserId& user) {
  const auto found = people_.find(user);
  if (found == people_.end()) return;
  Person& person = found->second;
  const bool online = person.active_sessions > 0;
  scheduler_.cancel(std::exchange(person.timer, 0));
  if (frozen_) return;
  if (online == person.announced_online) {
    if (person.idle()) people_.erase(found);
    return;
  }
  const std::int64_t passed = person.changed_ms < 0 ? -1 : now() - person.changed_ms;
  const std::int64_t interval = Millis(limits::presence_min_interval).count();
  const Millis spacing{passed < 0 || passed >= interval ? 0 : interval - passed};
  if (!online) {
    arm(user, person, std::max(grace_, spacing));
  } else if (spacing.count() > 0) {
    arm(user, person, spacing);
  } else {
    announce(user, true);
  }
}

void OnlinePeople::arm(const UserId& user, Person& person, Millis delay) {
  person.timer = scheduler_.after(delay, guard_.wrap([this, user] {
    const auto found = people_.find(user);
    if (found == people_.end()) return;
    found->second.timer = 0;
    announce(user, found->second.active_sessions > 0);
  }));
}

void OnlinePeople::announce(const UserId& user, bool online) {
  Person& person = people_[user];
  person.announced_online = online;
  person.changed_ms = now();
  if (online) return announced_(user);
  UserChange change;
  change.last_seen_ms = person.left_wall_ms;
  // The interval between two changes outlives the absence: the entry goes when it is over.
  person.timer = scheduler_.after(limits::presence_min_interval, guard_.wrap([this, user] {
    const auto found = people_.find(user);
    if (found == people_.end()) return;
    found->second.timer = 0;
    settle(user);
  }));
  users_.update(user, change,
                guard_.wrap([this, user](const Result<Users::Record>&) { announced_(user); }));
}

// --- other homes ---

void OnlinePeople::unwatched(const UserId& user, std::uint32_t home) {
  const auto found = watching_.find(user);
  if (found == watching_.end()) return;
  found->second.erase(home);
  if (found->second.empty()) watching_.erase(found);
}

void OnlinePeople::forget_home(std::uint32_t home) {
  for (auto it = watching_.begin(); it != watching_.end();) {
    it->second.erase(home);
    it = it->second.empty() ? watching_.erase(it) : std::next(it);
  }
}

std::set<std::uint32_t> OnlinePeople::homes_watching(const UserId& user) const {
  const auto found = watching_.find(user);
  return found == watching_.end() ? std::set<std::uint32_t>() : found->second;
}

}  // namespace kith::server
