// Virtual time and seeded chance for the parts of the client.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"

namespace kith::client {

class VirtualScheduler : public Scheduler, public Clock {
 public:
  Clock& clock() override { return *this; }
  Timestamp wall() override { return {1'700'000'000'000 + now_ + wall_jump.count()}; }
  Millis wall_jump{0};  // of the device's clock; the monotonic one stays
  std::int64_t steady_ms() override { return now_; }
  void post(std::function<void()> task) override { posted_.push_back(std::move(task)); }
  TimerId after(Millis delay, std::function<void()> task) override {
    timers_[{now_ + delay.count(), ++last_}] = std::move(task);
    return last_;
  }
  void cancel(TimerId id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  void settle() {
    while (!posted_.empty()) {
      auto task = std::move(posted_.front());
      posted_.pop_front();
      task();
    }
  }
  void advance(Millis span) {
    const std::int64_t until = now_ + span.count();
    settle();
    while (!timers_.empty() && timers_.begin()->first.first <= until) {
      now_ = std::max(now_, timers_.begin()->first.first);
      auto task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
      settle();
    }
    now_ = until;
  }

 private:
  std::int64_t now_ = 1000;
  TimerId last_ = 0;
  std::deque<std::function<void()>> posted_;
  std::map<std::pair<std::int64_t, TimerId>, std::function<void()>> timers_;
};

class SeededRandom : public Random {
 public:
  void fill(void* bytes, std::size_t size) override {
    for (std::size_t i = 0; i < size; ++i) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
      static_cast<unsigned char*>(bytes)[i] = static_cast<unsigned char>(state_ >> 56);
    }
  }

 private:
  std::uint64_t state_ = 7;
};

}  // namespace kith::client
