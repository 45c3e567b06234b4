// Breather: lets a thread that writes batches leave the processor to the loop every now and then.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>

namespace kith::server {

// While it has begun nobody rests any more: the adapter is closing. Threads: any.
class Hurry {
 public:
  void begin() {
    {
      const std::lock_guard lock(mutex_);
      now_ = true;
    }
    changed_.notify_one();
  }
  void rest(std::chrono::milliseconds most) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, most, [this] { return now_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool now_ = false;
};

// Paces one batch, on the thread that writes it. The batch is not urgent, the loop is, and they may share
// a core: the thread works for a millisecond and rests for two, unless the batch, a second's worth of
// messages, would take longer than a second.
class Breather {
 public:
  Breather(Hurry& hurry, std::size_t rows) : hurry_(hurry), rows_(rows) {}
  void row_written() {
    if (++written_ % kRowsPerLook != 0) return;
    const auto now = Clock::now();
    if (now - slice_began_ < kWorkSlice || late(now)) return;
    hurry_.rest(kRest);
    slice_began_ = Clock::now();
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto kBatchTime = std::chrono::seconds(1);
  static constexpr auto kWorkSlice = std::chrono::milliseconds(1);
  static constexpr auto kRest = std::chrono::milliseconds(2);
  static constexpr std::size_t kRowsPerLook = 16;

  [[nodiscard]] bool late(Clock::time_point now) const {
    return (now - began_) * rows_ > kBatchTime * written_;
  }

  Hurry& hurry_;
  const std::size_t rows_;  // of the batch
  std::size_t written_ = 0;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point slice_began_ = began_;
};

}  // namespace kith::server
