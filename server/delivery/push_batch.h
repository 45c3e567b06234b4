// PushBatch: events of one SendBatch on their way into one push. The same readers get all of
// them, and the session that sent them gets none.
#pragma once

#include <algorithm>
#include <vector>

#include "kith/core/limits.h"
#include "server/conversation/decide.h"
#include "server/delivery/event_frame.h"

namespace kith::server {

struct PushBatch {
  ConversationId conversation;
  UserId sender;
  std::uint64_t except = 0;
  bool two_views = false;  // the sender sees something else than the others do
  UserList audience;
  std::uint64_t last_seq = 0;
  std::uint64_t ordinal = 0;  // as the sender counts
  std::uint64_t others_ordinal = 0;
  std::size_t bytes = 0;
  EventFrame frame;
  EventFrame others;  // if there are two views

  [[nodiscard]] bool takes(const LogEntry& entry, const Outcome& outcome) const {
    const Event& event = *outcome.event;
    return conversation == event.conversation && sender == event.sender &&
           except == entry.record.origin_session && two_views == differs(event) &&
           bytes + size_of(event) <= limits::page_bytes_max && audience == outcome.audience;
  }
  void add(const LogEntry& entry, const Outcome& outcome) {
    const Event& event = *outcome.event;
    conversation = event.conversation;
    sender = event.sender;
    except = entry.record.origin_session;
    two_views = differs(event);
    audience = outcome.audience;
    frame.add(event, event.sender);
    if (two_views) others.add(event, UserId());
    bytes += size_of(event);
    last_seq = event.seq;
    ordinal = ordinal_for(event, event.sender);
    others_ordinal = event.ordinal;
  }

 private:
  static bool differs(const Event& event) { return event.sender_only || event.sender_ordinal != 0; }
  // At most, in a frame: ids, numbers and their tags, besides body and mentions.
  static std::size_t size_of(const Event& event) {
    constexpr std::size_t kBesides = 160;
    return event.body.size() + kBesides + event.mentions.size() * (UserId::kSize + 2);
  }
};

}  // namespace kith::server
