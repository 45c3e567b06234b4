// TestLane: a lane whose calls run when the test says so.
#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "server/link/lane.h"

namespace kith::server {

class TestLane : public Lane {
 public:
  void post(Call call) override { calls_.push_back(std::move(call)); }
  // Returns false if there is none.
  bool run_one() {
    if (calls_.empty()) return false;
    Call call = std::move(calls_.front());
    calls_.pop_front();
    call();
    return true;
  }
  void run() {
    while (run_one()) {
    }
  }
  // Loses the calls that are on their way.
  void cut() { calls_.clear(); }
  [[nodiscard]] std::size_t size() const { return calls_.size(); }

 private:
  std::deque<Call> calls_;
};

}  // namespace kith::server
