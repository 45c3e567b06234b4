// Clock: the only "now" of the library. Code that needs the time takes a Clock.
#pragma once

#include <chrono>
#include <cstdint>

#include "kith/core/export.h"

namespace kith {

using Millis = std::chrono::milliseconds;

// Milliseconds since the Unix epoch. A label for people: never used for order or time-outs.
struct Timestamp {
  std::int64_t ms = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

class KITH_API Clock {
 public:
  virtual ~Clock() = default;
  // Wall time; may jump.
  virtual Timestamp wall() = 0;
  // Monotonic milliseconds from an arbitrary origin; for time-outs and back-off.
  virtual std::int64_t steady_ms() = 0;
  // The same clock in microseconds; for measuring.
  virtual std::int64_t steady_us() { return steady_ms() * 1'000; }
};

// The clocks of the operating system. Stateless; any thread.
KITH_API Clock& system_clock();

}  // namespace kith
