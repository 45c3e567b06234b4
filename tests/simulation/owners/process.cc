// A gate in front of every task.
#include "tests/simulation/owners/process.h"

namespace kith::sim {

Scheduler::TimerId Process::after(Millis delay, std::function<void()> task) {
  const TimerId id = ++last_;
  const std::int64_t when = time_.now() + std::max<std::int64_t>(0, delay.count());
  timers_[id] = time_.at(when, node_.number(), [this, id, task = std::move(task)]() mutable {
    timers_.erase(id);
    due(id, std::move(task));
  });
  return id;
}

void Process::due(TimerId id, std::function<void()> task) {
  if (frozen_) {
    parked_.emplace_back(id, std::move(task));
  } else {
    task();
  }
}

void Process::cancel(TimerId id) {
  if (const auto it = timers_.find(id); it != timers_.end()) {
    const std::uint64_t timer = it->second;
    timers_.erase(it);
    time_.cancel(timer);
  }
  std::erase_if(parked_, [id](const auto& parked) { return parked.first == id; });
}

void Process::thaw() {
  frozen_ = false;
  for (auto& [id, task] : std::exchange(parked_, {})) {
    timers_[id] = time_.at(time_.now(), node_.number(), [this, id = id, task = task]() mutable {
      timers_.erase(id);
      due(id, std::move(task));
    });
  }
}

}  // namespace kith::sim
