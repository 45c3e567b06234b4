// Process: the loop of one simulated process, which may freeze for a while and go on with old memory.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <utility>

#include "tests/simulation/virtual_time.h"

namespace kith::sim {

class Process : public Scheduler {
 public:
  Process(VirtualTime& time, std::uint64_t number) : time_(time), node_(time, number) {}
  ~Process() override { node_.halt(); }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  Clock& clock() override { return node_.clock(); }
  void post(std::function<void()> task) override { after(Millis(0), std::move(task)); }
  TimerId after(Millis delay, std::function<void()> task) override;
  void cancel(TimerId id) override;

  // Tasks that fall due meanwhile run after thaw(), in their order.
  void freeze() { frozen_ = true; }
  void thaw();
  [[nodiscard]] bool frozen() const { return frozen_; }

 private:
  void due(TimerId id, std::function<void()> task);

  VirtualTime& time_;
  Node node_;
  bool frozen_ = false;
  TimerId last_ = 0;
  std::map<TimerId, std::uint64_t> timers_;  // their numbers in `time_`
  std::deque<std::pair<TimerId, std::function<void()>>> parked_;
};

}  // namespace kith::sim
