// SplitMix: quick pseudo-random numbers, the same sequence for the same seed on every machine. For
// simulation, tests and load; never for values that must be hard to guess.
#pragma once

#include <cstdint>
#include <cstring>

#include "kith/core/random.h"

namespace kith {

// SplitMix64 of Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators" (2014).
// Threads: one.
class SplitMix : public Random {
 public:
  explicit SplitMix(std::uint64_t state) : state_(state) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ULL); }
  void fill(void* bytes, std::size_t size) override {
    auto* out = static_cast<unsigned char*>(bytes);
    while (size > 0) {
      const std::uint64_t word = next();
      const std::size_t part = size < sizeof word ? size : sizeof word;
      std::memcpy(out, &word, part);
      out += part;
      size -= part;
    }
  }

 protected:
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace kith
