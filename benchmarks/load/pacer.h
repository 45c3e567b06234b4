// Pacer: the times at which an open loop means to send, whatever the server does. Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "benchmarks/load/clock.h"

namespace kith::bench {

class Pacer {
 public:
  Pacer(double per_s, Micros start) : gap_(1e6 / per_s), start_(start) {}

  // The intended time of the next message if it has come. A latency counts from it: a sender that
  // is late does not make the server look faster.
  std::optional<Micros> take(Micros now) {
    const Micros due = next();
    if (due > now) return std::nullopt;
    ++taken_;
    return due;
  }
  [[nodiscard]] Micros next() const {
    return start_ + static_cast<Micros>(gap_ * static_cast<double>(taken_));
  }

 private:
  double gap_;
  Micros start_;
  std::uint64_t taken_ = 0;
};

}  // namespace kith::bench
