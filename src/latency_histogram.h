// LatencyHistogram counts durations in buckets whose bounds double. One thread writes; any thread reads.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace kith::server {

// An observation is two additions without a lock: cheap enough for every message.
class LatencyHistogram {
 public:
  // Bucket i counts durations of at most 2^(i + kFirst) microseconds, from 64 us to 34 s; the last one counts the rest.
  static constexpr std::uint32_t kFirst = 6;
  static constexpr std::size_t kBuckets = 21;

  struct Snapshot {
    std::array<std::uint64_t, kBuckets> counts{};
    std::uint64_t sum_us = 0;
  };

  void observe(std::int64_t us) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(0, us));
    const auto width = static_cast<std::size_t>(std::bit_width(value == 0 ? 0 : value - 1));
    const std::size_t bucket = width <= kFirst ? 0 : std::min(width - kFirst, kBuckets - 1);
    add(counts_[bucket], 1);
    add(sum_us_, value);
  }
  [[nodiscard]] Snapshot read() const {
    Snapshot all;
    for (std::size_t i = 0; i < kBuckets; ++i)
      all.counts[i] = counts_[i].load(std::memory_order_relaxed);
    all.sum_us = sum_us_.load(std::memory_order_relaxed);
    return all;
  }

 private:
  static void add(std::atomic<std::uint64_t>& to, std::uint64_t value) {
    to.store(to.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

}  // namespace kith::server
