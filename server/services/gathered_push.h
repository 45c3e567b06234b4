// GatheredPush: events of one SendBatch on their way into one push. The same readers get all of
// them, and the session that sent them gets none.
#pragma once

#include <algorithm>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/services/sequencer.h"
#include "server/services/wire.h"

namespace kith::server {

struct GatheredPush {
  ConversationId conversation;
  UserId sender;
  std::uint64_t except = 0;
  bool sender_only = false;
  UserList audience;
  std::uint64_t last_seq = 0;
  std::uint64_t ordinal = 0;
  std::size_t bytes = 0;
  v1::ServerFrame frame;
  v1::ServerFrame veiled;  // for others, if sender_only

  [[nodiscard]] bool takes(const LogEntry& entry, const Outcome& outcome) const {
    const Event& event = *outcome.event;
    return conversation == event.conversation && sender == event.sender &&
           except == entry.record.reply_token && sender_only == event.sender_only &&
           bytes + size_of(event) <= limits::page_bytes_max && audience == outcome.audience;
  }
  void add(const LogEntry& entry, const Outcome& outcome) {
    const Event& event = *outcome.event;
    conversation = event.conversation;
    sender = event.sender;
    except = entry.record.reply_token;
    sender_only = event.sender_only;
    audience = outcome.audience;
    to_wire(event, event.sender, frame.mutable_event_push()->add_events());
    if (sender_only) to_wire(event, UserId(), veiled.mutable_event_push()->add_events());
    bytes += size_of(event);
    last_seq = event.seq;
    ordinal = event.ordinal;
  }
  // Keeps its memory.
  void clear() {
    frame.mutable_event_push()->clear_events();
    veiled.mutable_event_push()->clear_events();
    bytes = 0;
  }

 private:
  // At most, in a frame: ids, numbers and their tags, besides body and mentions.
  static std::size_t size_of(const Event& event) {
    constexpr std::size_t kBesides = 160;
    return event.body.size() + kBesides + event.mentions.size() * (UserId::kSize + 2);
  }
};

}  // namespace kith::server
