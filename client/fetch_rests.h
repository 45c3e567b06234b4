// FetchRests: conversations that could not be fetched; each is tried again after a pause, and the others go on.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::client {

// The pause before something is asked for again, unless the server names another.
inline constexpr Millis kAskAgain = std::chrono::seconds(2);
inline Millis pause_of(const Error& error) {
  return error.retry_after_ms ? Millis(error.retry_after_ms) : kAskAgain;
}

class FetchRests {
 public:
  // `sync_soon`: a sync after that time comes back to them.
  FetchRests(Clock& clock, std::function<void(Millis)> sync_soon)
      : clock_(clock), sync_soon_(std::move(sync_soon)) {}

  void note_failure(const ConversationId& id, const Error& error) {
    Rest& rest = rests_[id];
    const Millis pause = std::min(kMost, kAskAgain * (1 << std::min(rest.failures++, 10U)));
    const Millis wait = std::max(pause, Millis(error.retry_after_ms));
    rest.until_ms = clock_.steady_ms() + wait.count();
    sync_soon_(wait);
  }
  // True if it has failed and its pause is not over.
  bool resting(const ConversationId& id) {
    const auto found = rests_.find(id);
    if (found == rests_.end()) return false;
    const std::int64_t left = found->second.until_ms - clock_.steady_ms();
    if (left > 0) sync_soon_(Millis(left));
    return left > 0;
  }
  void end(const ConversationId& id) { rests_.erase(id); }
  void clear() { rests_.clear(); }

 private:
  static constexpr Millis kMost = std::chrono::minutes(5);
  struct Rest {
    unsigned failures = 0;
    std::int64_t until_ms = 0;
  };
  Clock& clock_;
  const std::function<void(Millis)> sync_soon_;
  std::map<ConversationId, Rest> rests_;
};

}  // namespace kith::client
