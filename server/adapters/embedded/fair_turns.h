// FairTurns: whose work is next: that of the person who has used the least time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "kith/core/ids.h"

namespace kith::server {

// Start-time fair queueing over people. A newcomer begins with the use of the person being served, so
// that neither waiting nor having been away is an advantage. One thread at a time.
template <class Task>
class FairTurns {
 public:
  using Time = std::chrono::microseconds;

  void add(const UserId& person, Task task) {
    const auto [at, fresh] = people_.try_emplace(person);
    if (fresh) at->second.used = served_;
    at->second.tasks.push_back(std::move(task));
    ++waiting_;
  }
  // Takes the first task of that person; nothing if none waits.
  std::optional<Task> take() {
    auto best = people_.end();
    for (auto at = people_.begin(); at != people_.end(); ++at) {
      if (at->second.tasks.empty()) continue;
      if (best == people_.end() || at->second.used < best->second.used) best = at;
    }
    if (best == people_.end()) return std::nullopt;
    served_ = std::max(served_, best->second.used);
    std::optional<Task> task(std::move(best->second.tasks.front()));
    best->second.tasks.pop_front();
    --waiting_;
    return task;
  }
  // Adds the time that a task of theirs has used. Without waiting tasks there is nothing to balance.
  void charge(const UserId& person, Time used) {
    const auto at = people_.find(person);
    if (at != people_.end()) at->second.used += used;
    if (waiting_ == 0 || people_.size() > kIdleMax) {
      std::erase_if(people_, [](const auto& one) { return one.second.tasks.empty(); });
    }
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_; }
  // Tasks of everybody else.
  [[nodiscard]] std::size_t waiting_besides(const UserId& person) const {
    const auto at = people_.find(person);
    return waiting_ - (at == people_.end() ? 0 : at->second.tasks.size());
  }

 private:
  static constexpr std::size_t kIdleMax = 1'024;
  struct Person {
    Time used{0};
    std::deque<Task> tasks;
  };
  std::map<UserId, Person> people_;
  Time served_{0};
  std::size_t waiting_ = 0;
};

}  // namespace kith::server
