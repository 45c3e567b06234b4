// HeldEvents: what is held, what it takes in memory, and when it is let go.
#include "client/held_events.h"

#include <utility>

#include "kith/core/limits.h"

namespace kith::client {
namespace {

constexpr std::size_t kMost = 256;      // of one conversation; more are fetched instead
constexpr std::size_t kOverhead = 256;  // bytes of tables for an event that is held

std::size_t size_of(const v1::Event& event) {
  return event.ByteSizeLong() + kOverhead;
}

}  // namespace

HeldEvents::HeldEvents(Scheduler& scheduler, std::function<void(const ConversationId&)> on_gap)
    : scheduler_(scheduler), on_gap_(std::move(on_gap)) {}

bool HeldEvents::has_room(const v1::Event& event) const {
  return bytes_ + size_of(event) <= limits::held_bytes_max;
}

void HeldEvents::hold(const ConversationId& id, const v1::Event& event, bool live) {
  Above& above = above_.try_emplace(id, scheduler_, [this, id] { on_gap_(id); }).first->second;
  above.live |= live;
  if (has_room(event) && above.events.size() < kMost &&
      above.events.emplace(event.seq(), event).second) {
    bytes_ += size_of(event);
  }
  if (!above.gap.waits()) above.gap.start(limits::gap_wait);
}

HeldEvents::Ready HeldEvents::take(const ConversationId& id, std::uint64_t top) {
  const auto it = above_.find(id);
  if (it == above_.end()) return {};
  Ready ready;
  ready.live = it->second.live;
  auto& events = it->second.events;
  std::uint64_t next = top + 1;
  while (!events.empty() && events.begin()->first <= next) {
    if (events.begin()->first == next) ++next;
    bytes_ -= size_of(events.begin()->second);
    ready.events.push_back(std::move(events.begin()->second));
    events.erase(events.begin());
  }
  if (events.empty()) above_.erase(it);
  return ready;
}

void HeldEvents::clear() {
  above_.clear();
  bytes_ = 0;
}

}  // namespace kith::client
