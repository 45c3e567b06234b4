// Time in microseconds and cheap randomness: what a load generator measures and paces with.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>

#include "kith/core/random.h"

namespace kith::bench {

using Micros = std::int64_t;
inline constexpr Micros kSecond = 1'000'000;

inline Micros now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// SplitMix64, seeded by the system: ids must differ, nobody needs to find them hard to guess.
class FastRandom final : public Random {
 public:
  FastRandom() { system_random().fill(&state_, sizeof state_); }
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  void fill(void* bytes, std::size_t size) override {
    auto* out = static_cast<unsigned char*>(bytes);
    while (size > 0) {
      const std::uint64_t x = next();
      const std::size_t part = size < sizeof x ? size : sizeof x;
      std::memcpy(out, &x, part);
      out += part;
      size -= part;
    }
  }

 private:
  std::uint64_t state_ = 0;
};

}  // namespace kith::bench
