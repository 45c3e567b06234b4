// ServerPace: how much a server may make this device do. An honest one gets what it needs at once; one that is broken
// or hostile costs a bounded share of the processor, the network and the disk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kith/core/limits.h"
#include "kith/core/time.h"
#include "src/token_bucket.h"

namespace kith::client {

// Pure: times are monotonic milliseconds given by the caller. Kept over reconnections: a new socket is no new budget.
class ServerPace {
 public:
  // A frame that nobody asked for has come. False: they are too many, and the connection is to be given up.
  [[nodiscard]] bool take_push(std::size_t bytes, std::int64_t now_ms) {
    return pushes_.take(kPushes, 1 + static_cast<std::int64_t>(bytes / 1024), now_ms) == 0;
  }
  // The wait before the next page of a listing, or of history, may be asked for; 0: now, and it is counted.
  [[nodiscard]] Millis take_listing(std::int64_t now_ms) {
    return Millis(listings_.take(kListings, 1, now_ms));
  }
  [[nodiscard]] Millis take_history(std::int64_t now_ms) {
    return Millis(history_.take(kHistory, 1, now_ms));
  }

 private:
  static constexpr BucketRate kPushes =
      BucketRate::per_s(limits::pushes_taken_per_s, limits::pushes_taken_burst);
  static constexpr BucketRate kListings =
      BucketRate::per_s(limits::listings_asked_per_s, limits::listings_asked_burst);
  static constexpr BucketRate kHistory =
      BucketRate::per_s(limits::history_asked_per_s, limits::history_asked_burst);
  TokenBucket pushes_, listings_, history_;
};

}  // namespace kith::client
