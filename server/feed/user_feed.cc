// Marks in memory, merged with what the store has.
#include "server/feed/user_feed.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

UserFeed::UserFeed(ConversationStore& store, const LogProgress& progress, LargeFeed::Peek peek)
    : store_(store), progress_(progress), large_(store, std::move(peek)) {}

UserFeed::~UserFeed() {
  *alive_ = false;
}

bool UserFeed::mark(Member& member, const ConversationId& conversation, Position position) {
  // Still dirty for every device of the user: nobody was served since.
  const auto served = served_.find(member.user);
  if (served != served_.end() && member.feed_ver > served->second) return false;
  member.feed_ver = position;
  tail_[member.user][conversation] = position;
  raise_high(member.user, position);
  return true;
}

void UserFeed::mark_user(const UserId& user, Position position) {
  user_marks_[user] = user_marks_dirty_[user] = position;
  raise_high(user, position);
}

void UserFeed::raise_high(const UserId& user, Position position) {
  const auto it = high_.find(user);
  if (it != high_.end()) it.value().mark = std::max(it->second.mark, position);
}

Position UserFeed::hold_mark(const UserId& user) {
  const Position mark = user_marks_.at(user);
  held_[user].insert(mark);
  return mark;
}

void UserFeed::settle_mark(const UserId& user, Position mark) {
  const auto it = held_.find(user);
  if (it == held_.end()) return;
  it->second.erase(mark);
  if (it->second.empty()) held_.erase(it);
}

void UserFeed::take_user_marks(StoreBatch& batch) {
  batch.user_marks.assign(user_marks_dirty_.begin(), user_marks_dirty_.end());
  user_marks_dirty_.clear();
}

void UserFeed::stored(const StoreBatch& batch) {
  for (const auto& [id, member] : batch.members) {
    auto tail = tail_.find(member.user);
    if (tail == tail_.end()) continue;
    auto it = tail->second.find(id);
    if (it != tail->second.end() && it->second <= member.feed_ver) tail->second.erase(it);
    if (tail->second.empty()) tail_.erase(tail);
  }
  for (const auto& [user, position] : batch.user_marks) {
    if (auto it = user_marks_.find(user); it != user_marks_.end() && it->second <= position) {
      user_marks_.erase(it);
    }
  }
}

Position UserFeed::begin_serving(const UserId& user, Position cursor) {
  // Bounded; forgetting is safe, an unknown user's marks are always written.
  if (served_.size() > limits::conversations_cached_max) served_.clear();
  Position reached = progress_.decided();
  if (const auto it = held_.find(user); it != held_.end()) {
    reached = std::min(reached, *it->second.begin() - 1);
  }
  const Position high = std::max(reached, cursor <= progress_.end() ? cursor : 0);
  Position& served = served_[user];
  // The process before may have served another device of this user all that it had in the log.
  served = std::max({served, high, progress_.found()});
  return high;
}

std::map<ConversationId, Position> UserFeed::tail(const UserId& user) const {
  const auto it = tail_.find(user);
  return it == tail_.end() ? std::map<ConversationId, Position>() : it->second;
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

void UserFeed::changed(const UserId& user, Position after, std::size_t limit,
                       Done<std::vector<FeedChange>> done) {
  large_.of(user, [this, alive = alive_, user, after, limit,
                   done = std::move(done)](Result<std::vector<FeedEntry>> large) mutable {
    if (!*alive) return;
    if (!large) return done(large.error());
    // A mark at or below the cursor says nothing.
    auto marks = tail(user);
    std::erase_if(marks, [after](const auto& mark) { return mark.second <= after; });
    Overlay overlay(marks, *large);
    if (nothing_above(user, after)) {
      return done(overlay.merge(
          {}, limit, [after](Position at) { return at > after; }, std::less<>()));
    }
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

void UserFeed::list(const UserId& user, Position before, std::size_t limit,
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

void UserFeed::user_mark(const UserId& user, Done<Position> done) {
  if (const auto it = user_marks_.find(user); it != user_marks_.end()) return done(it->second);
  store_.user_mark(user, std::move(done));
}

bool UserFeed::nothing_above(const UserId& user, Position cursor) const {
  const auto it = high_.find(user);
  return it != high_.end() && it->second.asking == 0 && it->second.mark <= cursor;
}

// A mark that comes while the store is asked may not be in its answer: who asked first notes it.
void UserFeed::high(const UserId& user, Done<Position> done) {
  if (high_.size() > limits::conversations_cached_max) high_.clear();
  const auto [place, fresh] = high_.try_emplace(user);
  if (!fresh && place->second.asking == 0) return done(place->second.mark);
  const std::uint64_t asking = ++highs_asked_;
  if (fresh) place.value().asking = asking;
  auto found = [this, alive = alive_, user, asking,
                done = std::move(done)](const Result<Position>& high) {
    if (!*alive) return;
    const auto known = high_.find(user);
    const bool noted = known != high_.end();
    const bool first = noted && known->second.asking == asking;
    if (!high) {
      if (first) high_.erase(known);
      return done(high.error());
    }
    const Position newest = noted ? std::max(*high, known->second.mark) : *high;
    if (noted) known.value().mark = newest;
    if (first) known.value().asking = 0;
    done(newest);
  };
  // Of marks alone: it would be too much to follow every large group for every member.
  Position newest = 0;
  for (const auto& [id, ver] : tail(user)) newest = std::max(newest, ver);
  store_.list(user, 0, 1,
              [this, alive = alive_, user, newest,
               found = std::move(found)](Result<std::vector<FeedEntry>> stored) mutable {
                if (!*alive) return;
                if (!stored) return found(stored.error());
                if (!stored->empty()) newest = std::max(newest, stored->front().feed_ver);
                user_mark(user, [newest, found = std::move(found)](Result<Position> mark) {
                  found(mark ? Result<Position>(std::max(newest, *mark)) : mark);
                });
              });
}

}  // namespace kith::server
