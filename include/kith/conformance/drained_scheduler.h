// DrainedScheduler is the loop that the suites of the ports pass to an adapter. Its tasks run when a
// test drains it, whichever thread posted them; the test's thread is the loop's.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "kith/core/result.h"
#include "kith/core/scheduler.h"

namespace kith::server::conformance {

class DrainedScheduler : public Scheduler {
 public:
  // `patience`: how long a test waits for a task of another thread.
  explicit DrainedScheduler(std::chrono::milliseconds patience = std::chrono::seconds(30))
      : patience_(patience) {}
  Clock& clock() override { return system_clock(); }
  void post(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      tasks_.push_back(std::move(task));
    }
    wake_.notify_one();
  }
  // Virtual: a timer fires when there is nothing else to do.
  TimerId after(Millis delay, std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    timers_.emplace(std::pair(now_ + delay.count(), ++last_timer_), std::move(task));
    return last_timer_;
  }
  void cancel(TimerId id) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }

  // Runs tasks until `reached`; returns false if none came for a long time.
  bool run_until(const std::function<bool()>& reached) {
    while (!reached()) {
      if (!run_one()) return false;
    }
    return true;
  }

 private:
  bool run_one() {
    std::unique_lock lock(mutex_);
    std::function<void()> task;
    if (tasks_.empty() && !timers_.empty()) {
      now_ = timers_.begin()->first.first;
      task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
    } else {
      if (!wake_.wait_for(lock, patience_, [this] { return !tasks_.empty(); })) return false;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    lock.unlock();
    task();
    return true;
  }

  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  std::map<std::pair<std::int64_t, TimerId>, std::function<void()>> timers_;
  std::int64_t now_ = 0;
  TimerId last_timer_ = 0;
};

// Runs the tasks posted until now, and those that they post meanwhile.
inline void drain(DrainedScheduler& scheduler) {
  auto drained = std::make_shared<bool>(false);
  scheduler.post([drained] { *drained = true; });
  EXPECT_TRUE(scheduler.run_until([&] { return *drained; }));
}

// Calls `ask(done)` and drains until `done` was called: once, and on the loop.
template <class T, class Ask>
Result<T> answer_of(DrainedScheduler& scheduler, Ask ask) {
  auto answer = std::make_shared<std::optional<Result<T>>>();
  ask([answer, loop = std::this_thread::get_id()](Result<T> result) {
    EXPECT_EQ(std::this_thread::get_id(), loop) << "answered on a thread that is not the loop's";
    EXPECT_FALSE(answer->has_value()) << "answered twice";
    answer->emplace(std::move(result));
  });
  if (!scheduler.run_until([&] { return answer->has_value(); })) {
    ADD_FAILURE() << "no answer";
    return make_error(ErrorCode::kTimeout, "no answer");
  }
  return std::move(**answer);
}

// Destroys the adapter while a call may wait; `answered` counts its callbacks.
template <class Port>
void expect_no_answer_after_destruction(DrainedScheduler& scheduler, std::unique_ptr<Port>& port,
                                        const std::size_t& answered) {
  const std::size_t before = answered;
  EXPECT_LE(before, 1u) << "answered twice inside the call";
  port.reset();
  drain(scheduler);
  EXPECT_EQ(answered, before) << "answered by the destructor, or after it";
}

// Returns an id for a test.
template <class IdType>
IdType id_of(std::uint8_t number) {
  std::array<std::uint8_t, 16> bytes{};
  bytes[0] = 0x40;
  bytes[15] = number;
  return IdType(bytes);
}

}  // namespace kith::server::conformance
