// Histogram: bucket arithmetic.
#include "benchmarks/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kith::bench {

std::size_t Histogram::bucket_of(std::int64_t value) {
  if (value < kSub) return static_cast<std::size_t>(value);
  const int width = std::bit_width(static_cast<std::uint64_t>(value));
  const int shift = width - kSubBits - 1;  // leaves kSub … 2 kSub - 1
  return static_cast<std::size_t>(kSub * (shift + 1) + ((value >> shift) - kSub));
}

std::int64_t Histogram::end_of(std::size_t bucket) {
  const auto index = static_cast<std::int64_t>(bucket);
  if (index < kSub) return index;
  const std::int64_t shift = index / kSub - 1;
  return ((index % kSub + kSub + 1) << shift) - 1;
}

void Histogram::record(std::int64_t value) {
  value = std::clamp<std::int64_t>(value, 0, (std::int64_t{1} << kMaxBits) - 1);
  ++buckets_[bucket_of(value)];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

std::int64_t Histogram::quantile(double q) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(std::clamp(q, 0.0, 1.0) * static_cast<double>(count_));
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += buckets_[i];
    if (seen >= rank) return std::min(end_of(i), max_);
  }
  return max_;
}

}  // namespace kith::bench
