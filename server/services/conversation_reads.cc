// The read side of ConversationCache: what the store has, merged with what only memory knows yet.
#include <algorithm>
#include <functional>
#include <memory>

#include "kith/core/limits.h"
#include "server/services/conversation_cache.h"
#include "server/services/conversation_slot.h"

namespace kith::server {

void ConversationCache::with(const ConversationId& id, Done<const Conversation*> done) {
  const SlotPtr s = slot(id);
  if (s->loaded) return done(s->conversation.head.last_seq != 0 ? &s->conversation : nullptr);
  s->readers.push_back(std::move(done));
  load(s);
}

const Conversation* ConversationCache::peek(const ConversationId& id) const {
  const auto it = slots_.find(id);
  if (it == slots_.end() || !it->second->loaded) return nullptr;
  return it->second->conversation.head.last_seq != 0 ? &it->second->conversation : nullptr;
}

void ConversationCache::events(const EventQuery& query, Done<std::vector<Event>> done) {
  std::vector<Event> memory;
  std::uint64_t memory_from = ~std::uint64_t{0};
  const std::uint64_t to = query.to == 0 ? ~std::uint64_t{0} : query.to;
  if (const auto it = slots_.find(query.conversation); it != slots_.end()) {
    const auto& recent = it->second->recent;
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

void ConversationCache::find(const ConversationId& id, const UserId& sender,
                             const MessageId& message, Done<std::optional<Placement>> done) {
  if (const auto it = slots_.find(id); it != slots_.end()) {
    const Event* known = it->second->recent.find(sender, message);
    if (known != nullptr) return done(std::optional(placement_of(*known)));
  }
  store_.find(id, sender, message, std::move(done));
}

void ConversationCache::mark_user(const UserId& user, const DeviceId& device, Done<Position> done) {
  LogRecord record;
  record.sender = user;
  record.sender_device = device;
  record.gateway_ts_ms = scheduler_.clock().wall().ms;
  record.op = UserMarkOp{};
  append(std::move(record), [this, user, done = std::move(done)](const Result<Outcome>& outcome) {
    if (!outcome) return done(outcome.error());
    const Position mark = user_marks_.at(user);  // this one: a mark is decided as it is committed
    unsettled_[user].insert(mark);               // before anybody can be served up to it
    done(mark);
  });
}

void ConversationCache::settle_mark(const UserId& user, Position mark) {
  const auto it = unsettled_.find(user);
  if (it == unsettled_.end()) return;
  it->second.erase(mark);
  if (it->second.empty()) unsettled_.erase(it);
}

Position ConversationCache::begin_serving(const UserId& user, Position cursor) {
  // Bounded; forgetting is safe, an unknown user's marks are always written.
  if (served_.size() > limits::conversations_cached_max) served_.clear();
  Position reached = decided();
  if (const auto it = unsettled_.find(user); it != unsettled_.end()) {
    reached = std::min(reached, *it->second.begin() - 1);
  }
  const Position high = std::max(reached, cursor <= last_committed_ ? cursor : 0);
  Position& served = served_[user];
  // The process before may have served another device of this user all that it had in the log.
  served = std::max({served, high, found_});
  return high;
}

std::map<ConversationId, Position> ConversationCache::tail(const UserId& user) const {
  const auto it = feed_tail_.find(user);
  return it == feed_tail_.end() ? std::map<ConversationId, Position>() : it->second;
}

namespace {

// What is known besides the stored marks: those not yet applied, and heads of large groups. It
// takes the place of stored rows, so that many more have to be asked for; fewer would leave a hole
// that the next page steps over.
struct Overlay {
  std::map<ConversationId, FeedChange> entries;

  Overlay(const std::map<ConversationId, Position>& tail, const std::vector<FeedEntry>& large) {
    for (const auto& [id, ver] : tail) entries[id] = {id, ver, true};
    for (const auto& [id, position] : large) {
      FeedChange& entry = entries.try_emplace(id, FeedChange{id, 0, false}).first->second;
      entry.feed_ver = std::max(entry.feed_ver, position);
    }
  }
  // Stored rows and overlay as one list; `shown` says which positions the caller asked for.
  template <class Shown, class Before>
  std::vector<FeedChange> merge(const std::vector<FeedEntry>& stored, std::size_t limit,
                                Shown shown, Before before) {
    std::vector<FeedChange> all;
    for (const FeedEntry& row : stored) {
      if (const auto it = entries.find(row.conversation); it != entries.end()) {
        it->second.marked = true;
      } else {
        all.push_back({row.conversation, row.feed_ver, true});
      }
    }
    for (const auto& [id, entry] : entries) {
      if (shown(entry.feed_ver)) all.push_back(entry);
    }
    std::sort(all.begin(), all.end(), [&](const FeedChange& a, const FeedChange& b) {
      return before(a.feed_ver, b.feed_ver);
    });
    if (all.size() > limit) all.resize(limit);
    return all;
  }
};

}  // namespace

void ConversationCache::changed(const UserId& user, Position after, std::size_t limit,
                                Done<std::vector<FeedChange>> done) {
  large_.of(user, [this, alive = alive_, user, after, limit,
                   done = std::move(done)](Result<std::vector<FeedEntry>> large) mutable {
    if (!*alive) return;
    if (!large) return done(large.error());
    // A mark at or below the cursor says nothing.
    auto marks = tail(user);
    std::erase_if(marks, [after](const auto& mark) { return mark.second <= after; });
    Overlay overlay(marks, *large);
    const std::size_t wanted = limit + overlay.entries.size();
    store_.changed(
        user, after, wanted,
        [overlay = std::move(overlay), after, limit,
         done = std::move(done)](Result<std::vector<FeedEntry>> stored) mutable {
          if (!stored) return done(stored.error());
          done(overlay.merge(
              *stored, limit, [after](Position at) { return at > after; }, std::less<>()));
        });
  });
}

void ConversationCache::list(const UserId& user, Position before, std::size_t limit,
                             Done<std::vector<FeedChange>> done) {
  large_.of(user, [this, alive = alive_, user, before, limit,
                   done = std::move(done)](Result<std::vector<FeedEntry>> large) mutable {
    if (!*alive) return;
    if (!large) return done(large.error());
    Overlay overlay(tail(user), *large);
    const std::size_t wanted = limit + overlay.entries.size();
    store_.list(user, before, wanted,
                [overlay = std::move(overlay), before, limit,
                 done = std::move(done)](Result<std::vector<FeedEntry>> stored) mutable {
                  if (!stored) return done(stored.error());
                  done(overlay.merge(
                      *stored, limit, [before](Position at) { return before == 0 || at < before; },
                      std::greater<>()));
                });
  });
}

void ConversationCache::user_mark(const UserId& user, Done<Position> done) {
  if (const auto it = user_marks_.find(user); it != user_marks_.end()) return done(it->second);
  store_.user_mark(user, std::move(done));
}

void ConversationCache::feed_high(const UserId& user, Done<Position> done) {
  if (const auto it = high_.find(user); it != high_.end()) return done(it->second);
  // Of marks alone: it would be too much to follow every large group for every member.
  Position newest = 0;
  for (const auto& [id, ver] : tail(user)) newest = std::max(newest, ver);
  store_.list(
      user, 0, 1,
      [this, alive = alive_, user, newest,
       done = std::move(done)](Result<std::vector<FeedEntry>> stored) mutable {
        if (!*alive) return;
        if (!stored) return done(stored.error());
        const Position high = stored->empty() ? newest : std::max(newest, stored->front().feed_ver);
        user_mark(user, [this, alive, user, high, done = std::move(done)](Result<Position> mark) {
          if (!*alive) return;
          if (!mark) return done(mark.error());
          if (high_.size() > limits::conversations_cached_max) high_.clear();
          Position& known = high_[user];
          known = std::max({known, high, *mark});
          done(known);
        });
      });
}

}  // namespace kith::server
