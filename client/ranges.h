// Ranges: which sequence numbers of one conversation this device holds. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace kith::client {

// Disjoint, ascending, never adjacent: [1,4] and [5,9] become [1,9].
class Ranges {
 public:
  using Range = std::pair<std::uint64_t, std::uint64_t>;  // both ends included

  void add(std::uint64_t from, std::uint64_t to) {
    std::vector<Range> out;
    for (const Range& r : ranges_) {
      if (r.second + 1 < from || to + 1 < r.first) {
        out.push_back(r);
      } else {
        from = std::min(from, r.first);
        to = std::max(to, r.second);
      }
    }
    out.insert(std::upper_bound(out.begin(), out.end(), Range{from, to}), Range{from, to});
    ranges_ = std::move(out);
  }
  [[nodiscard]] bool has(std::uint64_t seq) const { return first_hole(seq, seq) == 0; }
  // The highest seq held; 0 = none.
  [[nodiscard]] std::uint64_t top() const { return ranges_.empty() ? 0 : ranges_.back().second; }
  // The lowest seq of [from, to] that is not held; 0 = all are.
  [[nodiscard]] std::uint64_t first_hole(std::uint64_t from, std::uint64_t to) const {
    for (const Range& r : ranges_) {
      if (from >= r.first && from <= r.second) from = r.second + 1;
    }
    return from <= to ? from : 0;
  }
  // The last seq of the hole that begins at `from`; `from` is not held, something above it is.
  [[nodiscard]] std::uint64_t hole_end(std::uint64_t from) const {
    for (const Range& r : ranges_) {
      if (r.first > from) return r.first - 1;
    }
    return from;
  }
  // The highest seq of [from, to] that is not held; 0 = all are.
  [[nodiscard]] std::uint64_t last_hole(std::uint64_t from, std::uint64_t to) const {
    for (auto r = ranges_.rbegin(); r != ranges_.rend(); ++r) {
      if (to >= r->first && to <= r->second) to = r->first - 1;
    }
    return to >= from && to > 0 ? to : 0;
  }
  // How many of [from, to] are not held.
  [[nodiscard]] std::uint64_t missing(std::uint64_t from, std::uint64_t to) const {
    if (from > to) return 0;
    std::uint64_t count = to - from + 1;
    for (const Range& r : ranges_) {
      const std::uint64_t first = std::max(from, r.first);
      const std::uint64_t last = std::min(to, r.second);
      if (first <= last) count -= last - first + 1;
    }
    return count;
  }
  [[nodiscard]] const std::vector<Range>& list() const { return ranges_; }

  friend bool operator==(const Ranges&, const Ranges&) = default;

 private:
  std::vector<Range> ranges_;
};

}  // namespace kith::client
