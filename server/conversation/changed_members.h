// ChangedMembers: the members of one conversation that have changed since the last batch for the store.
#pragma once

#include <algorithm>
#include <cstddef>

#include "server/records/roster.h"

namespace kith::server {

class ChangedMembers {
 public:
  // The same few members change again and again: compares with the newest few, and with all when there
  // are twice as many as the last time.
  void note(const UserId& user) {
    constexpr std::ptrdiff_t kLooked = 4;
    const auto from = users_.size() <= kLooked ? users_.begin() : users_.end() - kLooked;
    if (std::find(from, users_.end(), user) != users_.end()) return;
    users_.push_back(user);
    if (users_.size() < compact_at_) return;
    keep_each_once();
    compact_at_ = std::max(kCompactAt, 2 * users_.size());
  }
  // Calls with each once, and forgets them.
  template <class Visit>
  void take_each(Visit visit) {
    keep_each_once();
    compact_at_ = kCompactAt;
    for (const UserId& user : users_) visit(user);
    if (users_.capacity() > kCompactAt) {
      users_ = UserList();
    } else {
      users_.clear();
    }
  }

 private:
  static constexpr std::size_t kCompactAt = 64;

  void keep_each_once() {
    std::sort(users_.begin(), users_.end());
    users_.erase(std::unique(users_.begin(), users_.end()), users_.end());
  }

  UserList users_;  // some more than once
  std::size_t compact_at_ = kCompactAt;
};

}  // namespace kith::server
