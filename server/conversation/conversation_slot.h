// ConversationSlot: one conversation in memory, with what waits for it and what the store does not
// have yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "kith/server/ports/conversation_store.h"
#include "server/conversation/changed_members.h"
#include "server/conversation/receipt_minima.h"
#include "server/conversation/recent_events.h"
#include "server/conversation/undecided_records.h"

namespace kith::server {

// Fields that every message needs come first and lie together: fewer lines of the cache to wait for.
struct ConversationSlot {
  bool loaded = false;
  bool loading = false;
  bool dirty = false;          // changed since the last batch
  std::uint64_t moved_at = 0;  // to the front of the list of all
  Position changed_at = 0;     // last record that changed it
  Conversation conversation;
  UndecidedRecords undecided;
  std::size_t new_events = 0;      // of `recent`, for the next batch
  ChangedMembers changed_members;  // for the next batch
  RecentEvents recent;             // the newest events, and everything not yet applied
  ReceiptMinima minima;            // of `conversation`
  std::size_t member_bytes = 0;    // as weighed last
  std::vector<Done<const Conversation*>> readers;  // waiting for the load
  std::list<ConversationId>::iterator used;

  [[nodiscard]] bool exists() const { return conversation.head.last_seq != 0; }
  // Nothing waits for the conversation.
  [[nodiscard]] bool idle() const { return loaded && undecided.empty() && readers.empty(); }
};

using SlotPtr = std::shared_ptr<ConversationSlot>;

}  // namespace kith::server
