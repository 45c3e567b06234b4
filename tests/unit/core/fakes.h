// Seeded randomness and a clock that stands still, for the tests of the protocol core.
#pragma once

#include <cstdint>
#include <cstring>

#include "kith/core/random.h"
#include "kith/core/time.h"

namespace kith::test {

// SplitMix64: the same sequence for the same seed, on every machine.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
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
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

class ManualClock final : public Clock {
 public:
  Timestamp wall() override { return Timestamp{wall_ms}; }
  std::int64_t steady_ms() override { return steady; }
  std::int64_t wall_ms = 1'700'000'000'000;
  std::int64_t steady = 0;
};

}  // namespace kith::test
