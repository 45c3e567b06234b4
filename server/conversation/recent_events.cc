// The newest events of one conversation: looked through by a print of two bytes, or by an index if
// they are many.
#include "server/conversation/recent_events.h"

namespace kith::server {
namespace {

constexpr std::size_t kLookedThrough = 512;
constexpr std::size_t kForgotten = 32;  // that many before their room is used again

std::size_t bytes_of(const Event& event) {
  return sizeof(Event) + event.body.size() + event.mentions.size() * UserId::kSize;
}

}  // namespace

void RecentEvents::push(EventPtr event) {
  bytes_ += bytes_of(*event);
  prints_.push_back(print_of(event->sender, event->message_id));
  events_.push_back(std::move(event));
  if (!index_.empty()) {
    const Event& added = *events_.back();
    index_[{added.sender, added.message_id}] = &added;
  } else if (size() > kLookedThrough) {
    for (const EventPtr& known : all()) index_[{known->sender, known->message_id}] = known.get();
  }
}

void RecentEvents::pop() {
  if (!index_.empty()) {
    const auto found = index_.find({oldest().sender, oldest().message_id});
    if (found != index_.end() && found->second == &oldest()) index_.erase(found);
    if (size() <= kLookedThrough / 2) index_ = {};
  }
  bytes_ -= bytes_of(*events_[first_]);
  events_[first_].reset();
  ++first_;
  if (empty() || (first_ >= kForgotten && first_ >= size())) compact();
}

void RecentEvents::compact() {
  const auto gone = static_cast<std::ptrdiff_t>(first_);
  events_.erase(events_.begin(), events_.begin() + gone);
  prints_.erase(prints_.begin(), prints_.begin() + gone);
  first_ = 0;
  if (events_.capacity() <= 4 * events_.size() + kForgotten) return;
  events_.shrink_to_fit();  // they were many for a while
  prints_.shrink_to_fit();
}

const Event* RecentEvents::find(const UserId& sender, const MessageId& message) const {
  if (!index_.empty()) {
    const auto found = index_.find({sender, message});
    return found == index_.end() ? nullptr : found->second;
  }
  const Print print = print_of(sender, message);
  for (std::size_t i = events_.size(); i-- > first_;) {
    if (prints_[i] != print) continue;
    const Event& event = *events_[i];
    if (event.message_id == message && event.sender == sender) return &event;
  }
  return nullptr;
}

}  // namespace kith::server
