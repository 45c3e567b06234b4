// SendQueue: classes, limits and lagging mode.
#include "server/gateway/send_queue.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

void SendQueue::push(const Push& push, std::int64_t now_ms) {
  const std::size_t size = push.frame->size();
  const bool full = bytes_ + size > bounds_.soft_bytes;
  if (full) drop_lane(DeliveryClass::kEphemeral);
  if (full && push.cls == DeliveryClass::kEphemeral) {
    ++dropped_;
    return;
  }
  if (full && push.cls == DeliveryClass::kReceipt && merge_receipt(push)) return;
  if (!lagging_ && bytes_ + size > bounds_.hard_bytes) {
    lagging_ = true;
    resync_ = true;
    lagging_since_ms_ = now_ms;
    for (const Push& event : lane(DeliveryClass::kEvent)) skip(event);
    drop_lane(DeliveryClass::kEvent);
    drop_lane(DeliveryClass::kReceipt);
  }
  if (lagging_ && push.cls == DeliveryClass::kEvent) skip(push);
  if (lagging_ && push.cls <= DeliveryClass::kEvent) {
    ++dropped_;
    return;
  }
  bytes_ += size;
  if (push.cls == DeliveryClass::kReply) answers_ += size;
  lane(push.cls).push_back(push);
}

std::shared_ptr<const std::string> SendQueue::pop() {
  for (auto lane = lanes_.rbegin(); lane != lanes_.rend(); ++lane) {
    if (lane->empty()) continue;
    auto frame = std::move(lane->front().frame);
    lane->pop_front();
    bytes_ -= frame->size();
    if (&*lane == &this->lane(DeliveryClass::kReply)) answers_ -= frame->size();
    return frame;
  }
  return nullptr;
}

void SendQueue::clear() {
  for (PushLane& lane : lanes_) {
    dropped_ += lane.size();
    lane.clear();
  }
  bytes_ = answers_ = 0;
  heads_.clear();
}

std::vector<SendQueue::SkippedHead> SendQueue::catch_up() {
  std::vector<SkippedHead> heads;
  if (!lagging_ || !empty()) return heads;
  lagging_ = false;
  heads.reserve(heads_.size());
  for (const auto& [id, head] : heads_) heads.push_back(head);
  std::sort(heads.begin(), heads.end(),
            [](const auto& a, const auto& b) { return a.conversation < b.conversation; });
  heads_.clear();
  return heads;
}

bool SendQueue::take_resync() {
  return std::exchange(resync_, false);
}

void SendQueue::drop_lane(DeliveryClass cls) {
  for (const Push& push : lane(cls)) bytes_ -= push.frame->size();
  dropped_ += lane(cls).size();
  lane(cls).clear();
}

void SendQueue::skip(const Push& push) {
  if (push.conversation.empty()) return;
  auto found = heads_.find(push.conversation);
  if (found == heads_.end()) {
    if (heads_.size() >= limits::lagging_heads_max) return;  // resync_ is set: sync finds the rest
    found = heads_.emplace(push.conversation, SkippedHead{push.conversation, 0, 0}).first;
  }
  found->second.last_seq = std::max(found->second.last_seq, push.last_seq);
  found->second.ordinal = std::max(found->second.ordinal, push.ordinal);
}

bool SendQueue::merge_receipt(const Push& push) {
  if (push.conversation.empty()) return false;
  for (Push& waiting : lane(DeliveryClass::kReceipt)) {
    if (waiting.conversation != push.conversation) continue;
    bytes_ += push.frame->size();
    bytes_ -= waiting.frame->size();
    waiting.frame = push.frame;  // watermarks only grow: the newer one includes the older
    return true;
  }
  return false;
}

}  // namespace kith::server
