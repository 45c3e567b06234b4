// Unbiased draws from any Random, and the randomness of the operating system.
#include "kith/core/random.h"

#include <openssl/rand.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <limits>

namespace kith {
namespace {

class SystemRandom final : public Random {
 public:
  void fill(void* bytes, std::size_t size) override {
    auto* out = static_cast<unsigned char*>(bytes);
    while (size > 0) {
      const int part = static_cast<int>(std::min<std::size_t>(size, INT_MAX));
      // Without entropy neither tokens nor ids are safe, so the process cannot go on.
      if (RAND_bytes(out, part) != 1) std::abort();
      out += part;
      size -= static_cast<std::size_t>(part);
    }
  }
};

}  // namespace

std::uint64_t Random::below(std::uint64_t bound) {
  if (bound == 0) return 0;
  // The lowest 2^64 mod bound values are drawn again, so that every remainder is equally likely.
  const std::uint64_t reject = (std::numeric_limits<std::uint64_t>::max() - bound + 1) % bound;
  std::uint64_t x = 0;
  do {
    fill(&x, sizeof x);
  } while (x < reject);
  return x % bound;
}

bool Random::chance(double p) {
  if (p <= 0) return false;
  if (p >= 1) return true;
  constexpr double kScale = 9007199254740992.0;  // 2^53: a double holds each of these exactly
  return static_cast<double>(below(std::uint64_t{1} << 53)) < p * kScale;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

}  // namespace kith
