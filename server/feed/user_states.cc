// Versions of users' own state.
#include "server/feed/user_states.h"

#include <algorithm>

namespace kith::server {

UserStates::Hold UserStates::hold(const UserId& user) {
  holds_[user][++last_hold_] = 0;
  return last_hold_;
}

void UserStates::settle(const UserId& user, Hold hold) {
  const auto of = holds_.find(user);
  if (of == holds_.end()) return;
  of->second.erase(hold);
  if (of->second.empty()) holds_.erase(of);
}

void UserStates::mark(const UserId& user, FeedVersion ver) {
  unstored_[user] = queued_[user] = ver;
  const auto of = holds_.find(user);
  if (of == holds_.end()) return;
  for (auto& [hold, mark] : of->second) {
    if (mark != 0) continue;
    mark = ver;
    return;
  }
}

std::optional<FeedVersion> UserStates::held(const UserId& user) const {
  const auto of = holds_.find(user);
  if (of == holds_.end()) return std::nullopt;
  const FeedVersion first = of->second.begin()->second;
  if (first == 0) return std::nullopt;  // those behind it have come even less
  return first;
}

std::optional<FeedVersion> UserStates::unstored(const UserId& user) const {
  const auto it = unstored_.find(user);
  return it == unstored_.end() ? std::nullopt : std::optional(it->second);
}

void UserStates::take(FeedBatch& batch) {
  batch.users.assign(queued_.begin(), queued_.end());
  queued_.clear();
}

void UserStates::stored(const FeedBatch& batch) {
  for (const auto& [user, ver] : batch.users) {
    const auto it = unstored_.find(user);
    if (it != unstored_.end() && it->second <= ver) unstored_.erase(it);
  }
}

}  // namespace kith::server
