// Which conversations stay in memory.
#include "server/conversation/conversation_table.h"

#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

SlotPtr ConversationTable::slot(const ConversationId& id) {
  auto [it, fresh] = slots_.try_emplace(id);
  if (fresh) {
    it.value() = std::make_shared<ConversationSlot>();
    it->second->conversation.head.id = id;
    recently_used_.push_front(id);
    it->second->used = recently_used_.begin();
    it->second->moved_at = ++moves_;
  } else if (!in_newer_half(*it->second)) {
    use(*it->second);
  }
  SlotPtr found = it->second;
  if (fresh) evict();
  return found;
}

ConversationSlot* ConversationTable::find(const ConversationId& id) const {
  const auto it = slots_.find(id);
  return it == slots_.end() ? nullptr : it->second.get();
}

const Conversation* ConversationTable::cached(const ConversationId& id) const {
  const ConversationSlot* s = find(id);
  return s != nullptr && s->loaded && s->exists() ? &s->conversation : nullptr;
}

// A conversation that was moved to the front is in the newer half until half of all others were moved
// there after it. While there is much room that is half of as many as there may be.
bool ConversationTable::in_newer_half(const ConversationSlot& s) const {
  const bool tight = member_bytes_ > bounds_.bytes / 2;
  return moves_ - s.moved_at <= (tight ? slots_.size() : bounds_.count) / 2;
}

void ConversationTable::use(ConversationSlot& s) {
  recently_used_.splice(recently_used_.begin(), recently_used_, s.used);
  s.moved_at = ++moves_;
}

void ConversationTable::demote(const SlotPtr& s) {
  if (find(s->conversation.head.id) != s.get()) return;
  recently_used_.splice(recently_used_.end(), recently_used_, s->used);
  s->moved_at = 0;
}

void ConversationTable::weigh(ConversationSlot& s) {
  const std::size_t now = s.conversation.members.capacity() * sizeof(Member);
  member_bytes_ += now - std::exchange(s.member_bytes, now);
}

void ConversationTable::push_event(ConversationSlot& s, EventPtr event) {
  recent_bytes_ -= s.recent.bytes();
  s.recent.push(std::move(event));
  recent_bytes_ += s.recent.bytes();
  ++s.new_events;
  ++recent_total_;
}

void ConversationTable::drop_old_events(ConversationSlot& s) {
  const bool room = recent_total_ < limits::recent_events_total &&
                    recent_bytes_ < limits::conversations_cached_bytes;
  const std::size_t kept = room ? limits::recent_events : limits::recent_events_few;
  recent_bytes_ -= s.recent.bytes();
  while (s.recent.size() > kept && s.recent.oldest().position <= progress_.applied()) {
    s.recent.pop();
    --recent_total_;
  }
  recent_bytes_ += s.recent.bytes();
}

void ConversationTable::evict() {
  const auto full = [this] {
    return slots_.size() > bounds_.count || (member_bytes_ > bounds_.bytes && slots_.size() > 1);
  };
  // Only from the old end, and only what the store has completely; a few at a time.
  for (int tries = 0; full() && tries < 8; ++tries) {
    const ConversationId id = recently_used_.back();
    ConversationSlot& old = *slots_.at(id);
    if (!old.idle() || old.changed_at > progress_.applied() || old.dirty) {
      use(old);
      continue;
    }
    recent_total_ -= old.recent.size();
    recent_bytes_ -= old.recent.bytes();
    member_bytes_ -= old.member_bytes;
    recently_used_.pop_back();
    slots_.erase(id);
  }
}

void ConversationTable::add_stats(std::map<std::string, std::uint64_t>& all) const {
  all["conversations_cached"] += slots_.size();
  all["events_cached"] += recent_total_;
  all["cached_bytes"] += member_bytes_ + recent_bytes_;
}

}  // namespace kith::server
