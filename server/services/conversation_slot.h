// One conversation in memory, with what waits for it and what the store does not have yet.
#pragma once

#include <deque>
#include <list>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "server/services/conversation_cache.h"

namespace kith::server {

struct ConversationCache::Slot {
  Conversation conversation;
  ReceiptMinima minima;  // of `conversation`
  bool loaded = false;
  bool loading = false;
  bool deciding = false;
  bool dirty = false;                              // changed since the last batch
  std::deque<Waiting> queue;                       // committed entries, in log order
  std::vector<Done<const Conversation*>> readers;  // waiting for the load
  std::deque<Event> recent;  // the newest events, and everything not yet applied
  struct CommandHash {
    std::size_t operator()(const std::pair<UserId, MessageId>& key) const noexcept {
      return IdHash{}(key.first) ^ IdHash {}(key.second);
    }
  };
  std::unordered_map<std::pair<UserId, MessageId>, Placement, CommandHash>
      placements;                    // of `recent`
  std::vector<Event> new_events;     // for the next batch
  std::set<UserId> changed_members;  // for the next batch
  Position changed_at = 0;           // last record that changed it
  std::list<ConversationId>::iterator used;
};

}  // namespace kith::server
