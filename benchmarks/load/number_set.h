// NumberSet: the numbers of 1, 2, 3 … that have come. Small as long as they come about in order. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>

namespace kith::bench {

class NumberSet {
 public:
  // Everything up to `base` counts as there.
  explicit NumberSet(std::uint64_t base = 0) : top_(base) {}

  // False if it was there already.
  bool add(std::uint64_t n) {
    if (n <= top_ || (n != top_ + 1 && !ahead_.insert(n).second)) return false;
    if (n == top_ + 1) raise(n);
    return true;
  }
  // Everything up to `base` counts as there from now on.
  void raise(std::uint64_t base) {
    if (base <= top_) return;
    top_ = base;
    while (!ahead_.empty() && *ahead_.begin() <= top_ + 1) {
      top_ = std::max(top_, *ahead_.begin());
      ahead_.erase(ahead_.begin());
    }
  }
  // All numbers up to this are there.
  [[nodiscard]] std::uint64_t top() const { return top_; }
  [[nodiscard]] bool has_holes() const { return !ahead_.empty(); }
  // The highest number that is there.
  [[nodiscard]] std::uint64_t highest() const { return ahead_.empty() ? top_ : *ahead_.rbegin(); }

 private:
  std::uint64_t top_;
  std::set<std::uint64_t> ahead_;
};

}  // namespace kith::bench
