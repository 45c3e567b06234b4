// AnswersWaiting counts the bytes of answers that wait for slow sockets, of all sessions and of each account. Pushes
// are shared between their readers and can be dropped; an answer belongs to one session, and a client that opens
// many sessions, makes requests in each and reads nothing would make the server keep them all. Pure.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "kith/core/ids.h"
#include "kith/core/limits.h"

namespace kith::server {

class AnswersWaiting {
 public:
  static constexpr std::size_t kOfOneMax = limits::answers_waiting_of_one;
  // All accounts together; above it each may have kOfOneCrowded only.
  static constexpr std::size_t kMax = limits::answers_waiting;
  static constexpr std::size_t kOfOneCrowded = limits::answers_waiting_crowded;

  // A session of `user` had `before` bytes waiting, and now has `now`.
  void count(const UserId& user, std::size_t before, std::size_t now) {
    if (before == now) return;
    std::size_t& own = of_[user];
    own += now - before;
    all_ += now - before;
    if (own == 0) of_.erase(user);
  }
  // True if the session that has just got another answer must end.
  [[nodiscard]] bool too_much(const UserId& user) const {
    const auto own = of_.find(user);
    if (own == of_.end()) return false;
    return own->second > kOfOneMax || (all_ > kMax && own->second > kOfOneCrowded);
  }
  [[nodiscard]] std::size_t all() const { return all_; }

 private:
  std::unordered_map<UserId, std::size_t> of_;
  std::size_t all_ = 0;
};

}  // namespace kith::server
