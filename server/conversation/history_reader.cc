// HistoryReader: the store's events, merged with those that only memory has yet.
#include "server/conversation/history_reader.h"

#include <algorithm>
#include <utility>

namespace kith::server {

void HistoryReader::events(const EventQuery& query, Done<std::vector<Event>> done) {
  std::vector<Event> memory;
  std::uint64_t memory_from = ~std::uint64_t{0};
  const std::uint64_t to = query.to == 0 ? ~std::uint64_t{0} : query.to;
  if (const ConversationSlot* slot = table_.find(query.conversation)) {
    const auto& recent = slot->recent;
    if (!recent.empty()) memory_from = recent.oldest().seq;
    for (const EventPtr& event : recent.all()) {
      if (event->seq >= query.from && event->seq <= to) memory.push_back(*event);
    }
  }
  const bool all_in_memory = query.from >= memory_from;
  const bool enough = query.newest && memory.size() >= query.limit;
  if (all_in_memory || enough) {
    if (memory.size() > query.limit) {
      const auto extra = static_cast<std::ptrdiff_t>(memory.size() - query.limit);
      if (query.newest) memory.erase(memory.begin(), memory.begin() + extra);
      if (!query.newest) memory.erase(memory.end() - extra, memory.end());
    }
    return done(std::move(memory));
  }
  EventQuery older = query;
  if (memory_from != ~std::uint64_t{0}) older.to = std::min(to, memory_from - 1);
  if (query.newest) older.limit = query.limit - memory.size();
  store_.events(older, [memory = std::move(memory), limit = query.limit,
                        done = std::move(done)](Result<std::vector<Event>> stored) mutable {
    if (!stored) return done(stored.error());
    for (Event& event : memory) {
      if (stored->size() >= limit) break;
      stored->push_back(std::move(event));
    }
    done(std::move(stored));
  });
}

void HistoryReader::find(const ConversationId& id, const UserId& sender, const MessageId& message,
                         Done<std::optional<Placement>> done) {
  if (const ConversationSlot* slot = table_.find(id)) {
    const Event* known = slot->recent.find(sender, message);
    if (known != nullptr) return done(std::optional(placement_of(*known)));
  }
  store_.find(id, sender, message, std::move(done));
}

}  // namespace kith::server
