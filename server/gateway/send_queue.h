// SendQueue: frames waiting for one session's socket, by class, within fixed bounds.
//
// Above the soft limit ephemeral frames are dropped and receipts of one conversation merged; above
// the hard limit the session is lagging: queued events give way to one head per conversation, which
// the client fetches by sync.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "kith/core/ids.h"
#include "server/delivery/push.h"
#include "server/gateway/push_lane.h"

namespace kith::server {

class SendQueue {
 public:
  struct Bounds {
    std::size_t soft_bytes = 0;
    std::size_t hard_bytes = 0;
  };
  struct SkippedHead {
    ConversationId conversation;
    std::uint64_t last_seq = 0;
    std::uint64_t ordinal = 0;
  };

  explicit SendQueue(const Bounds& bounds) : bounds_(bounds) {}

  void push(const Push& push, std::int64_t now_ms);
  // Returns the most urgent frame; null if none waits.
  std::shared_ptr<const std::string> pop();

  // The session ends: drops all frames.
  void clear();

  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  // Bytes of answers among them.
  [[nodiscard]] std::size_t answers() const { return answers_; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] bool over_soft() const { return bytes_ > bounds_.soft_bytes; }
  // True if the queue is so full of answers, which may not be dropped, that the peer must be cut.
  [[nodiscard]] bool hopeless() const { return bytes_ > 2 * bounds_.hard_bytes; }
  [[nodiscard]] bool lagging() const { return lagging_; }
  [[nodiscard]] std::int64_t lagging_since_ms() const { return lagging_since_ms_; }

  // Ends lagging when the queue has run empty: returns the heads to send instead of the discarded
  // pushes.
  std::vector<SkippedHead> catch_up();
  // Returns true once after pushes were discarded; the next Pong then sets `resync`.
  bool take_resync();

 private:
  static constexpr std::size_t kClasses = 5;
  PushLane& lane(DeliveryClass cls) { return lanes_[static_cast<std::size_t>(cls)]; }
  void drop_lane(DeliveryClass cls);
  void skip(const Push& push);
  bool merge_receipt(const Push& push);

  Bounds bounds_;
  std::array<PushLane, kClasses> lanes_;
  std::size_t bytes_ = 0;
  std::size_t answers_ = 0;
  std::uint64_t dropped_ = 0;
  bool lagging_ = false;
  bool resync_ = false;
  std::int64_t lagging_since_ms_ = 0;
  std::unordered_map<ConversationId, SkippedHead> heads_;
};

}  // namespace kith::server
