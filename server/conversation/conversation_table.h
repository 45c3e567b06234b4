// ConversationTable: the conversations in memory, bounded in number and in bytes. Evicts the least
// recently used of those that the store has completely.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>

#include "kith/core/limits.h"
#include "server/conversation/conversation_slot.h"
#include "server/records/log_progress.h"
#include "src/id_map.h"
#include "src/weighed_cache.h"

namespace kith::server {

class ConversationTable {
 public:
  // Bounds of conversations with their members; their events have bounds of their own.
  static constexpr CacheBounds kBounds{limits::conversations_cached_max,
                                       limits::conversations_cached_bytes};
  // `progress` outlives this.
  explicit ConversationTable(const LogProgress& progress, CacheBounds bounds = kBounds)
      : progress_(progress), bounds_(bounds) {}

  // The conversation's slot; a fresh one, which is not loaded, if there was none.
  SlotPtr slot(const ConversationId& id);
  [[nodiscard]] bool contains(const ConversationId& id) const { return slots_.contains(id); }
  // Null if it is not in memory; valid until the next call that is not const.
  [[nodiscard]] ConversationSlot* find(const ConversationId& id) const;
  // The conversation, if it is loaded and exists; else null.
  [[nodiscard]] const Conversation* cached(const ConversationId& id) const;

  // Adds new history to the slot, and drops the oldest events that the store has, as far as others
  // need the memory.
  void push_event(ConversationSlot& slot, EventPtr event);
  void drop_old_events(ConversationSlot& slot);
  // Counts the memory of the slot's members again.
  void weigh(ConversationSlot& slot);
  // The conversation does not exist: its slot is the first to leave, so that asking for it does not
  // cost others their place.
  void demote(const SlotPtr& slot);
  void evict();

  // Adds "conversations_cached", "events_cached", "cached_bytes".
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  [[nodiscard]] bool in_newer_half(const ConversationSlot& slot) const;
  void use(ConversationSlot& slot);

  const LogProgress& progress_;
  const CacheBounds bounds_;
  IdMap<ConversationId, SlotPtr> slots_;
  // About: the newer half is in no order, so that using one does not mean moving it. front = newest
  std::list<ConversationId> recently_used_;
  std::uint64_t moves_ = 0;       // to its front
  std::size_t recent_total_ = 0;  // events in all slots …
  std::size_t recent_bytes_ = 0;  // … and their memory
  std::size_t member_bytes_ = 0;  // memory of the members of all slots
};

}  // namespace kith::server
