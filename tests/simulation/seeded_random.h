// The only source of chance of a run: splitmix64, one stream per purpose, all from one seed.
#pragma once

#include <cstdint>
#include <cstring>

#include "kith/core/random.h"

namespace kith::sim {

class SeededRandom : public Random {
 public:
  SeededRandom(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed) ^ mix(~stream)) {}

  void fill(void* bytes, std::size_t size) override {
    auto* out = static_cast<unsigned char*>(bytes);
    while (size > 0) {
      const std::uint64_t word = mix(state_ += 0x9e3779b97f4a7c15ULL);
      const std::size_t part = size < sizeof word ? size : sizeof word;
      std::memcpy(out, &word, part);
      out += part;
      size -= part;
    }
  }
  // Uniform in [from, to].
  std::int64_t between(std::int64_t from, std::int64_t to) {
    return from + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(to - from + 1)));
  }

 private:
  static std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }
  std::uint64_t state_;
};

}  // namespace kith::sim
