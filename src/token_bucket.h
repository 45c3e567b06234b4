// TokenBucket counts recent use: it lets a cost through while there is room, and past use leaks away at a rate. The
// caller passes the rate, so that a table of many buckets is small; all zeros is an unused bucket.
#pragma once

#include <algorithm>
#include <cstdint>

namespace kith {

// The size of a kind of bucket and the rate at which it recovers, in units of 1/1,000,000,000 token, so that a few
// tokens an hour are exact to the millisecond.
class BucketRate {
 public:
  constexpr BucketRate() = default;  // no bound
  static constexpr BucketRate per_s(std::int64_t tokens, std::int64_t burst) {
    return BucketRate(tokens * kToken / 1'000, burst * kToken);
  }
  static constexpr BucketRate per_min(std::int64_t tokens, std::int64_t burst) {
    return BucketRate(tokens * kToken / 60'000, burst * kToken);
  }
  static constexpr BucketRate per_h(std::int64_t tokens, std::int64_t burst) {
    return BucketRate(tokens * kToken / 3'600'000, burst * kToken);
  }
  [[nodiscard]] constexpr bool bounded() const { return per_ms_ > 0; }

 private:
  friend class TokenBucket;
  static constexpr std::int64_t kToken = 1'000'000'000;
  static constexpr std::int64_t kFastest =
      kToken * 100'000;  // a millisecond; products stay numbers
  constexpr BucketRate(std::int64_t per_ms, std::int64_t burst)
      : per_ms_(std::clamp(per_ms, std::int64_t{1}, kFastest)), burst_(burst) {}

  std::int64_t per_ms_ = 0;
  std::int64_t burst_ = 0;
};

class TokenBucket {
 public:
  // Takes `cost` and returns 0, or takes nothing and returns the milliseconds until it can be taken. A cost above the
  // size of the bucket passes when the bucket is full, and leaves a debt.
  std::uint32_t take(const BucketRate& rate, std::int64_t cost, std::int64_t now_ms) {
    const std::uint32_t wait = wait_for(rate, cost, now_ms);
    if (wait == 0) charge(rate, cost, now_ms);
    return wait;
  }
  [[nodiscard]] std::uint32_t wait_for(const BucketRate& rate, std::int64_t cost,
                                       std::int64_t now_ms) {
    if (!rate.bounded()) return 0;
    leak(rate, now_ms);
    const std::int64_t room = rate.burst_ - std::min(cost * BucketRate::kToken, rate.burst_);
    return used_ <= room ? 0 : whole_ms(used_ - room, rate);
  }
  // Takes `cost` even if the bucket does not hold it. The debt is at most the amount that recovers in kDebtMs.
  void charge(const BucketRate& rate, std::int64_t cost, std::int64_t now_ms) {
    if (!rate.bounded()) return;
    leak(rate, now_ms);
    used_ = std::min(used_ + cost * BucketRate::kToken, rate.burst_ + rate.per_ms_ * kDebtMs);
  }
  // Gives back a cost that turned out not to arise.
  void refund(const BucketRate& rate, std::int64_t cost, std::int64_t now_ms) {
    leak(rate, now_ms);
    used_ = std::max<std::int64_t>(0, used_ - cost * BucketRate::kToken);
  }
  // Returns the milliseconds until a debt is paid; 0 = there is none.
  [[nodiscard]] std::uint32_t debt_ms(const BucketRate& rate, std::int64_t now_ms) {
    return wait_for(rate, 0, now_ms);
  }
  // Merges two buckets into one: the worse of both.
  void join(TokenBucket other, const BucketRate& rate, std::int64_t now_ms) {
    leak(rate, now_ms);
    other.leak(rate, now_ms);
    used_ = std::max(used_, other.used_);
  }
  [[nodiscard]] bool unused(const BucketRate& rate, std::int64_t now_ms) {
    leak(rate, now_ms);
    return used_ == 0;
  }

 private:
  static constexpr std::int64_t kDebtMs = 30'000;

  static std::uint32_t whole_ms(std::int64_t missing, const BucketRate& rate) {
    const std::int64_t ms = (missing + rate.per_ms_ - 1) / rate.per_ms_;
    return static_cast<std::uint32_t>(std::min<std::int64_t>(ms, 24 * 3'600'000));
  }
  // A clock that stands still or steps back gives nothing.
  void leak(const BucketRate& rate, std::int64_t now_ms) {
    if (now_ms <= at_ms_) return;
    const std::int64_t passed = now_ms - at_ms_;
    at_ms_ = now_ms;
    if (used_ == 0) return;
    used_ = !rate.bounded() || passed > used_ / rate.per_ms_ ? 0 : used_ - passed * rate.per_ms_;
  }

  std::int64_t used_ = 0;
  std::int64_t at_ms_ = 0;
};

}  // namespace kith
