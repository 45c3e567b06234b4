// Virtual time: one queue of tasks for all simulated machines, and a Scheduler for each of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>
#include <utility>

#include "kith/core/scheduler.h"

namespace kith::sim {

// Tasks run in the order of their due times, then of their making: the same calls give the same
// run.
class VirtualTime {
 public:
  using Task = std::function<void()>;

  [[nodiscard]] std::int64_t now() const { return now_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  std::uint64_t at(std::int64_t when, std::uint64_t owner, Task task);
  void cancel(std::uint64_t id);
  // Destroys the tasks of an owner without running them.
  void forget(std::uint64_t owner);
  // Runs the next task that is due by `until`. False: there is none, and it is `until` now.
  bool step(std::int64_t until);

 private:
  struct Entry {
    std::uint64_t owner;
    Task task;
  };
  std::int64_t now_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t steps_ = 0;
  std::map<std::pair<std::int64_t, std::uint64_t>, Entry> tasks_;
  std::unordered_map<std::uint64_t, std::int64_t> due_;
};

// One machine: its loop and its clocks. halt() is the end of its process; the object serves the
// next.
class Node : public Scheduler, private Clock {
 public:
  Node(VirtualTime& time, std::uint64_t number) : time_(time), number_(number) {}

  Clock& clock() override { return *this; }
  void post(std::function<void()> task) override {
    time_.at(time_.now(), number_, std::move(task));
  }
  TimerId after(Millis delay, std::function<void()> task) override;
  void cancel(TimerId id) override { time_.cancel(id); }

  // Somebody sets the wall clock.
  void jump(Millis by) { set_clock(Millis(wall_offset_) + by); }
  // Somebody sets it right, or wrong by as much.
  void set_clock(Millis wrong_by = Millis{0}) {
    wall_offset_ = wrong_by.count();
    clock_was_set_ = true;
  }
  [[nodiscard]] bool clock_was_set() const { return clock_was_set_; }
  void halt() { time_.forget(number_); }
  [[nodiscard]] std::uint64_t number() const { return number_; }

 private:
  Timestamp wall() override { return {kEpochMs + time_.now() + wall_offset_}; }
  std::int64_t steady_ms() override {
    return time_.now() + static_cast<std::int64_t>(number_) * kApartMs;
  }

  static constexpr std::int64_t kEpochMs = 1'800'000'000'000;
  static constexpr std::int64_t kApartMs =
      7'919;  // steady clocks have nothing to do with each other
  VirtualTime& time_;
  std::uint64_t number_;
  bool clock_was_set_ = false;
  std::int64_t wall_offset_ = 0;
};

}  // namespace kith::sim
