// Timer: one task that waits, and none that outlives its owner.
#include "src/timer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <utility>

namespace kith {
namespace {

using namespace std::chrono_literals;

// Time goes on by hand.
class HandScheduler : public Scheduler, public Clock {
 public:
  Clock& clock() override { return *this; }
  Timestamp wall() override { return {now_}; }
  std::int64_t steady_ms() override { return now_; }
  void post(std::function<void()> task) override { (void)after(Millis{0}, std::move(task)); }
  TimerId after(Millis delay, std::function<void()> task) override {
    tasks_[{now_ + delay.count(), ++last_}] = std::move(task);
    return last_;
  }
  void cancel(TimerId id) override {
    std::erase_if(tasks_, [id](const auto& task) { return task.first.second == id; });
  }
  void advance(Millis span) {
    const std::int64_t until = now_ + span.count();
    while (!tasks_.empty() && tasks_.begin()->first.first <= until) {
      now_ = tasks_.begin()->first.first;
      auto task = std::move(tasks_.begin()->second);
      tasks_.erase(tasks_.begin());
      task();
    }
    now_ = until;
  }
  [[nodiscard]] std::size_t waiting() const { return tasks_.size(); }

 private:
  std::int64_t now_ = 0;
  TimerId last_ = 0;
  std::map<std::pair<std::int64_t, TimerId>, std::function<void()>> tasks_;
};

TEST(Timer, RunsItsTaskOnce) {
  HandScheduler scheduler;
  int runs = 0;
  Timer timer(scheduler, [&runs] { ++runs; });
  EXPECT_FALSE(timer.waits());
  timer.start(10ms);
  scheduler.advance(9ms);
  EXPECT_TRUE(timer.waits());
  EXPECT_EQ(runs, 0);
  scheduler.advance(10s);
  EXPECT_FALSE(timer.waits());
  EXPECT_EQ(runs, 1);
}

TEST(Timer, WaitsAnewWhenItIsStartedAgain) {
  HandScheduler scheduler;
  int runs = 0;
  Timer timer(scheduler, [&runs] { ++runs; });
  timer.start(10ms);
  scheduler.advance(9ms);
  timer.start(10ms);
  scheduler.advance(9ms);
  EXPECT_EQ(runs, 0);
  scheduler.advance(1ms);
  EXPECT_EQ(runs, 1);
}

TEST(Timer, TaskMayStartItAgainAndStopEndsThat) {
  HandScheduler scheduler;
  int runs = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(scheduler, [&] {
    ++runs;
    timer->start(10ms);
  });
  timer->start(10ms);
  scheduler.advance(35ms);
  EXPECT_EQ(runs, 3);
  timer->stop();
  scheduler.advance(1min);
  EXPECT_EQ(runs, 3);
}

TEST(Timer, EndsWithItsOwner) {
  HandScheduler scheduler;
  int runs = 0;
  auto timer = std::make_unique<Timer>(scheduler, [&runs] { ++runs; });
  timer->start(10ms);
  timer.reset();
  EXPECT_EQ(scheduler.waiting(), 0U);
  std::unique_ptr<Timer> ends_itself;
  ends_itself = std::make_unique<Timer>(scheduler, [&ends_itself, &runs] {
    ends_itself.reset();
    ++runs;
  });
  ends_itself->start(10ms);
  scheduler.advance(1min);
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace kith
