// ConnectNumbers numbers the Hellos of a device, so that the server knows the later of two, whichever arrives first.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kith/core/time.h"

namespace kith::client {

class ConnectNumbers {
 public:
  explicit ConnectNumbers(Clock& clock) : clock_(clock) {}

  // `last`: what last() returned in an earlier life of the process.
  void remember(std::uint64_t last) { last_ = std::max(last_, last); }
  [[nodiscard]] std::uint64_t last() const { return last_; }
  // By the clock, for a cache may be lost; never below the last one, for clocks may be set back.
  std::uint64_t next() {
    const std::int64_t now = std::max<std::int64_t>(0, clock_.wall().ms);
    return last_ = std::max(last_ + 1, static_cast<std::uint64_t>(now));
  }

 private:
  Clock& clock_;
  std::uint64_t last_ = 0;
};

}  // namespace kith::client
