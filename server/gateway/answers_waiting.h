// AnswersWaiting is how many bytes of answers wait for sockets that do not take them: of all sessions, and of each
// account. Pushes are shared between their readers and give way; an answer is its session's alone, and whoever opens
// many sessions, asks in each of them and reads nothing would have the server keep them all. Pure.
#pragma once

#include <cstddef>
#include <unordered_map>

#include "kith/core/ids.h"
#include "kith/core/limits.h"

namespace kith::server {

class AnswersWaiting {
 public:
  static constexpr std::size_t kOfOneMax = limits::answers_waiting_of_one;
  // Of all accounts; above it none has more than kOfOneCrowded.
  static constexpr std::size_t kMax = limits::answers_waiting;
  static constexpr std::size_t kOfOneCrowded = limits::answers_waiting_crowded;

  // One session of `user` waited for `before` bytes, and waits for `now`.
  void count(const UserId& user, std::size_t before, std::size_t now) {
    if (before == now) return;
    std::size_t& own = of_[user];
    own += now - before;
    all_ += now - before;
    if (own == 0) of_.erase(user);
  }
  // The session that has just got another answer must go.
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
