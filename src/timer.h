// Timer: a task of its owner that waits for its time, once at a time, and ends with the owner.
#pragma once

#include <functional>
#include <utility>

#include "kith/core/scheduler.h"

namespace kith {

// On the loop of the scheduler alone, which must outlive it.
class Timer {
 public:
  // `task` may start the timer again, and may end the timer's owner.
  Timer(Scheduler& scheduler, std::function<void()> task)
      : scheduler_(scheduler), task_(std::move(task)) {}
  ~Timer() { stop(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Runs the task once, not before `delay` has passed. If it waits already, it waits anew.
  void start(Millis delay) {
    stop();
    id_ = scheduler_.after(delay, [this] {
      id_ = 0;
      const std::function<void()> task = task_;  // outlives this object, if the task ends it
      task();
    });
  }
  void stop() { scheduler_.cancel(std::exchange(id_, 0)); }
  [[nodiscard]] bool waits() const { return id_ != 0; }

 private:
  Scheduler& scheduler_;
  const std::function<void()> task_;
  Scheduler::TimerId id_ = 0;
};

}  // namespace kith
