// Marks in memory, merged with what the store has.
#include "server/feed/user_feed.h"

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

UserFeed::UserFeed(FeedStore& store, Scheduler& scheduler)
    : store_(store),
      large_(store, entries_),
      writer_(
          store, scheduler,
          {[this] { return entries_.any_queued() || states_.any_queued() || large_.any_queued(); },
           [this](FeedBatch& batch) {
             entries_.take(batch);
             states_.take(batch);
             large_.take(batch);
           },
           [this](const FeedBatch& batch) {
             entries_.stored(batch, [this](const UserId& user) { return served_.contains(user); });
             states_.stored(batch);
             large_.stored();
           }}) {}

Status UserFeed::start() {
  const auto run = store_.begin();
  if (!run) return run.error();
  versions_.begin(*run);
  return {};
}

// --- marks ---

FeedVersion UserFeed::served(const UserId& user) const {
  const auto it = served_.find(user);
  return it == served_.end() ? std::numeric_limits<FeedVersion>::max() : it->second;
}

void UserFeed::mark_entry(const UserId& user, const ConversationId& conversation, bool large,
                          FeedVersion ver) {
  if (entries_.mark(user, conversation, large, ver, served(user))) raise_high(user, ver);
}

void UserFeed::mark(const FeedMark& mark) {
  const FeedVersion ver = versions_.next(mark.records);
  for (const UserId& user : mark.users) mark_entry(user, mark.conversation, mark.large, ver);
  for (const UserId& user : mark.former) mark_entry(user, mark.conversation, false, ver);
  if (mark.large) large_.note(mark, ver);
  if (mark.reader.empty() || !ring_) return;
  const FeedVersion newest = entries_.ver(mark.reader, mark.conversation);
  ring_({mark.reader, newest, mark.conversation, mark.last_seq});
}

void UserFeed::mark_user(const UserId& user) {
  const FeedVersion ver = versions_.next(1);
  states_.mark(user, ver);
  raise_high(user, ver);
}

void UserFeed::raise_high(const UserId& user, FeedVersion ver) {
  const auto it = high_.find(user);
  if (it != high_.end()) it.value().mark = std::max(it->second.mark, ver);
}

// --- syncs ---

FeedVersion UserFeed::begin_serving(const UserId& user, FeedVersion cursor) {
  // Bounded. Forgetting is safe: the marks of an unknown user are always written.
  if (served_.size() > limits::conversations_cached_max) served_.clear();
  FeedVersion reached = versions_.last();
  if (const auto held = states_.held(user)) reached = std::min(reached, *held - 1);
  if (versions_.may_be(cursor)) reached = std::max(reached, cursor);
  FeedVersion& upto = served_.try_emplace(user, 0).first.value();
  upto = std::max(upto, reached);
  entries_.served(user, upto);
  return reached;
}

namespace {

// The changes beside the stored marks: marks not yet applied, and heads of large groups. They
// replace stored rows, so as many more rows must be read; fewer would leave a gap that the next
// page skips.
struct Overlay {
  std::map<ConversationId, FeedChange> entries;

  Overlay(const std::vector<FeedChange>& unstored, const std::vector<FeedEntry>& large) {
    for (const FeedChange& change : unstored) entries[change.conversation] = change;
    for (const auto& [id, ver] : large) {
      FeedChange& entry = entries.try_emplace(id, FeedChange{id, 0, false}).first->second;
      entry.ver = std::max(entry.ver, ver);
    }
  }
  // Stored rows and overlay as one list; `shown` says which versions the caller asked for.
  template <class Shown, class Before>
  std::vector<FeedChange> merge(const std::vector<FeedEntry>& stored, std::size_t limit,
                                Shown shown, Before before) {
    std::vector<FeedChange> all;
    for (const FeedEntry& row : stored) {
      if (const auto it = entries.find(row.conversation); it != entries.end()) {
        it->second.marked = true;
        it->second.ver = std::max(it->second.ver, row.ver);
      } else {
        all.push_back({row.conversation, row.ver, true});
      }
    }
    for (const auto& [id, entry] : entries) {
      if (shown(entry.ver)) all.push_back(entry);
    }
    std::sort(all.begin(), all.end(),
              [&](const FeedChange& a, const FeedChange& b) { return before(a.ver, b.ver); });
    if (all.size() > limit) all.resize(limit);
    return all;
  }
};

}  // namespace

void UserFeed::changed(const UserId& user, FeedVersion after, std::size_t limit,
                       Done<std::vector<FeedChange>> done) {
  large_.of(user, guard_.wrap([this, user, after, limit, done = std::move(done)](
                                  Result<std::vector<FeedEntry>> large) mutable {
    if (!large) return done(large.error());
    std::vector<FeedChange> marks;
    entries_.unstored(user, [&](const ConversationId& id, const FeedEntries::Entry& entry) {
      // A mark at or below the cursor says nothing.
      if (entry.ver > after) marks.push_back({id, entry.ver, true});
    });
    Overlay overlay(marks, *large);
    if (nothing_above(user, after)) {
      return done(overlay.merge(
          {}, limit, [after](FeedVersion at) { return at > after; }, std::less<>()));
    }
    const std::size_t wanted = limit + overlay.entries.size();
    store_.changed(
        user, after, wanted,
        [overlay = std::move(overlay), after, limit,
         done = std::move(done)](Result<std::vector<FeedEntry>> stored) mutable {
          if (!stored) return done(stored.error());
          done(overlay.merge(
              *stored, limit, [after](FeedVersion at) { return at > after; }, std::less<>()));
        });
  }));
}

void UserFeed::list(const UserId& user, FeedVersion before, std::size_t limit,
                    Done<std::vector<FeedChange>> done) {
  large_.of(user, guard_.wrap([this, user, before, limit, done = std::move(done)](
                                  Result<std::vector<FeedEntry>> large) mutable {
    if (!large) return done(large.error());
    std::vector<FeedChange> marks;
    entries_.unstored(user, [&](const ConversationId& id, const FeedEntries::Entry& entry) {
      marks.push_back({id, entry.ver, true});
    });
    Overlay overlay(marks, *large);
    const std::size_t wanted = limit + overlay.entries.size();
    store_.list(
        user, before, wanted,
        [overlay = std::move(overlay), before, limit,
         done = std::move(done)](Result<std::vector<FeedEntry>> stored) mutable {
          if (!stored) return done(stored.error());
          done(overlay.merge(
              *stored, limit, [before](FeedVersion at) { return before == 0 || at < before; },
              std::greater<>()));
        });
  }));
}

void UserFeed::user_state(const UserId& user, Done<FeedVersion> done) {
  if (const auto ver = states_.unstored(user)) return done(*ver);
  store_.user_state(user, std::move(done));
}

bool UserFeed::nothing_above(const UserId& user, FeedVersion cursor) const {
  const auto it = high_.find(user);
  return it != high_.end() && it->second.asking == 0 && it->second.mark <= cursor;
}

// A mark that comes while the store is asked may not be in its answer: who asked first notes it.
void UserFeed::high(const UserId& user, Done<FeedVersion> done) {
  if (high_.size() > limits::conversations_cached_max) high_.clear();
  const auto [place, fresh] = high_.try_emplace(user);
  if (!fresh && place->second.asking == 0) return done(place->second.mark);
  const std::uint64_t asking = ++highs_asked_;
  if (fresh) place.value().asking = asking;
  auto found =
      guard_.wrap([this, user, asking, done = std::move(done)](const Result<FeedVersion>& high) {
        const auto known = high_.find(user);
        const bool noted = known != high_.end();
        const bool first = noted && known->second.asking == asking;
        if (!high) {
          if (first) high_.erase(known);
          return done(high.error());
        }
        const FeedVersion newest = noted ? std::max(*high, known->second.mark) : *high;
        if (noted) known.value().mark = newest;
        if (first) known.value().asking = 0;
        done(newest);
      });
  // Covers marks only: following every large group for every member would be too much.
  FeedVersion newest = 0;
  entries_.unstored(user, [&](const ConversationId&, const FeedEntries::Entry& entry) {
    newest = std::max(newest, entry.ver);
  });
  store_.list(
      user, 0, 1,
      guard_.wrap([this, user, newest,
                   found = std::move(found)](Result<std::vector<FeedEntry>> stored) mutable {
        if (!stored) return found(stored.error());
        if (!stored->empty()) newest = std::max(newest, stored->front().ver);
        user_state(user, [newest, found = std::move(found)](Result<FeedVersion> mark) mutable {
          found(mark ? Result<FeedVersion>(std::max(newest, *mark)) : mark);
        });
      }));
}

}  // namespace kith::server
