// OnlinePeople: who of the users of this home is online, as it is announced: not too early after they have left, and
// not too often.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <unordered_map>

#include "kith/core/ids.h"
#include "kith/core/scheduler.h"
#include "server/users/users.h"
#include "src/guard.h"

namespace kith::server {

// Loop thread.
class OnlinePeople {
 public:
  // `announced` is called when somebody's announced state has changed. `users` and `scheduler` outlive this.
  OnlinePeople(Users& users, Scheduler& scheduler, std::chrono::milliseconds grace,
               std::function<void(const UserId&)> announced)
      : users_(users), scheduler_(scheduler), grace_(grace), announced_(std::move(announced)) {}
  ~OnlinePeople();

  // A session of the user has come or gone; it is not active.
  void session_opened(const UserId& user) { ++people_[user].sessions; }
  void session_closed(const UserId& user);
  // One of the user's sessions has become active, or is it no longer.
  void session_active(const UserId& user, bool active);
  // The announced state.
  [[nodiscard]] bool online(const UserId& user) const;
  // Announces nothing any more.
  void freeze();

  // Another home has viewers of the user, or has none any more.
  void watched(const UserId& user, std::uint32_t home) { watching_[user].insert(home); }
  void unwatched(const UserId& user, std::uint32_t home);
  // The home cannot be reached: it asks again when it can.
  void forget_home(std::uint32_t home);
  [[nodiscard]] std::set<std::uint32_t> homes_watching(const UserId& user) const;

 private:
  struct Person {
    std::size_t sessions = 0;
    std::size_t active_sessions = 0;
    bool announced_online = false;
    std::int64_t changed_ms = -1;  // last announced change; -1 = never
    std::int64_t left_wall_ms = 0;
    Scheduler::TimerId timer = 0;

    [[nodiscard]] bool idle() const {
      return sessions == 0 && active_sessions == 0 && !announced_online && timer == 0;
    }
  };
  std::int64_t now() { return scheduler_.clock().steady_ms(); }
  void settle(const UserId& user);
  void arm(const UserId& user, Person& person, Millis delay);
  void announce(const UserId& user, bool online);

  Users& users_;
  Scheduler& scheduler_;
  const Millis grace_;
  const std::function<void(const UserId&)> announced_;
  bool frozen_ = false;
  std::unordered_map<UserId, Person> people_;  // with sessions, or inside their grace
  std::unordered_map<UserId, std::set<std::uint32_t>> watching_;
  Guard guard_;
};

}  // namespace kith::server
