// The newest events of one conversation, found by their order and by the command that made them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kith/server/ports/records.h"

namespace kith::server {

// One block of memory each for the events and for what a search looks at first: no node for every
// message, and a search among few touches one or two lines of the cache.
class RecentEvents {
 public:
  // `event` is newer than all others.
  void push(EventPtr event);
  // Forgets the oldest; there is one.
  void pop();

  [[nodiscard]] bool empty() const { return first_ == events_.size(); }
  [[nodiscard]] std::size_t size() const { return events_.size() - first_; }
  // Returns the bytes of memory, about.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] const Event& oldest() const { return *events_[first_]; }
  // Ascending by seq; valid until the next push() or pop().
  [[nodiscard]] std::span<const EventPtr> all() const { return std::span(events_).subspan(first_); }

  // The event of this command, or null; valid until the next pop().
  [[nodiscard]] const Event* find(const UserId& sender, const MessageId& message) const;

 private:
  using Command = std::pair<UserId, MessageId>;
  using Print = std::uint16_t;
  static Print print_of(const UserId& sender, const MessageId& message) {
    return static_cast<Print>(IdHash{}(Command(sender, message)));
  }
  void compact();

  std::vector<EventPtr> events_;  // from first_ on
  std::vector<Print> prints_;     // of events_
  std::size_t first_ = 0;
  std::size_t bytes_ = 0;
  // Of all, when they are too many to be looked through.
  std::unordered_map<Command, const Event*, IdHash> index_;
};

}  // namespace kith::server
