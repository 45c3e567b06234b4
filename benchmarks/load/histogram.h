// Histogram: latencies in microseconds, counted in buckets that are never wider than 1/128 of their
// value (the scheme of HdrHistogram). Pure.
#pragma once

#include <array>
#include <cstdint>

namespace kith::bench {

class Histogram {
 public:
  // Negative values count as 0, values of more than 12 days as 12 days.
  void record(std::int64_t value);
  void merge(const Histogram& other);

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::int64_t max() const { return max_; }
  // The value that a share `q` (0 … 1) of all recorded values does not exceed, rounded up to the
  // end of its bucket; 0 if there is none.
  [[nodiscard]] std::int64_t quantile(double q) const;

 private:
  static constexpr int kSubBits = 7;
  static constexpr std::int64_t kSub = std::int64_t{1} << kSubBits;
  static constexpr int kMaxBits = 40;
  static constexpr std::size_t kBuckets =
      static_cast<std::size_t>((kMaxBits - kSubBits + 1) * kSub);

  static std::size_t bucket_of(std::int64_t value);
  static std::int64_t end_of(std::size_t bucket);

  std::array<std::uint64_t, kBuckets> buckets_{};
  std::uint64_t count_ = 0;
  std::int64_t max_ = 0;
};

}  // namespace kith::bench
