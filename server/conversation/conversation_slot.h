// ConversationSlot: one conversation in memory, with what waits for it and what the store does not
// have yet.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <vector>

#include "kith/server/ports/conversation_store.h"
#include "server/conversation/command_queue.h"
#include "server/conversation/receipt_minima.h"
#include "server/conversation/recent_events.h"
#include "server/records/roster.h"

namespace kith::server {

// A record in the log that waits for its decision.
struct Waiting {
  LogEntry entry;
  CommandAnswer answer;
};

// Fields that every message needs come first and lie together: fewer lines of the cache to wait for.
struct ConversationSlot {
  bool loaded = false;
  bool loading = false;
  bool deciding = false;
  bool dirty = false;          // changed since the last batch
  std::uint64_t moved_at = 0;  // to the front of the list of all
  Position changed_at = 0;     // last record that changed it
  Conversation conversation;
  std::list<Waiting> queue;               // committed entries, in log order; mostly none
  std::shared_ptr<const Waiting> asking;  // the one before them: the store is asked about it
  std::size_t new_events = 0;             // of `recent`, for the next batch
  UserList changed_members;               // for the next batch; some more than once
  std::size_t compact_at = kCompactAt;
  RecentEvents recent;           // the newest events, and everything not yet applied
  ReceiptMinima minima;          // of `conversation`
  std::size_t member_bytes = 0;  // as weighed last
  std::vector<Done<const Conversation*>> readers;  // waiting for the load
  std::list<ConversationId>::iterator used;

  [[nodiscard]] bool exists() const { return conversation.head.last_seq != 0; }
  // Nothing waits for the conversation.
  [[nodiscard]] bool idle() const {
    return loaded && queue.empty() && !deciding && readers.empty();
  }

  // The same few members change again and again: compares with the newest few, and with all when there
  // are twice as many as the last time.
  void note_changed(const UserId& user) {
    constexpr std::ptrdiff_t kLooked = 4;
    const auto from = changed_members.size() <= kLooked ? changed_members.begin()
                                                        : changed_members.end() - kLooked;
    if (std::find(from, changed_members.end(), user) != changed_members.end()) return;
    changed_members.push_back(user);
    if (changed_members.size() < compact_at) return;
    keep_each_once();
    compact_at = std::max(kCompactAt, 2 * changed_members.size());
  }
  // Calls with each once, and forgets them.
  template <class Visit>
  void take_changed(Visit visit) {
    keep_each_once();
    compact_at = kCompactAt;
    for (const UserId& user : changed_members) visit(user);
    if (changed_members.capacity() > kCompactAt) {
      changed_members = UserList();
    } else {
      changed_members.clear();
    }
  }

 private:
  static constexpr std::size_t kCompactAt = 64;

  void keep_each_once() {
    std::sort(changed_members.begin(), changed_members.end());
    changed_members.erase(std::unique(changed_members.begin(), changed_members.end()),
                          changed_members.end());
  }
};

using SlotPtr = std::shared_ptr<ConversationSlot>;

}  // namespace kith::server
