// Random: the source of randomness, injected like the clock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kith/core/export.h"

namespace kith {

class KITH_API Random {
 public:
  virtual ~Random() = default;
  // Fills `size` bytes at `bytes` with random ones.
  virtual void fill(void* bytes, std::size_t size) = 0;

  // Uniform in [0, bound); 0 if bound is 0.
  std::uint64_t below(std::uint64_t bound);
  // True with probability p.
  bool chance(double p);
};

// Cryptographic randomness of the operating system (OpenSSL). Any thread.
KITH_API Random& system_random();

}  // namespace kith
