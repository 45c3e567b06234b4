// Large groups of users, kept up with the decisions.
#include "server/feed/large_feed.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "server/records/roster.h"

namespace kith::server {

LargeFeed::LargeFeed(ConversationStore& store, Peek peek) : store_(store), peek_(std::move(peek)) {}

LargeFeed::~LargeFeed() {
  *alive_ = false;
}

void LargeFeed::correct(const UserId& user, Groups& groups, const Conversation& c) {
  const Member* member = find_member(c, user);
  if (member != nullptr && member->active()) {
    groups.insert(c.head.id);
  } else {
    groups.erase(c.head.id);
  }
}

void LargeFeed::note(const Conversation& c, std::span<const UserId> changed) {
  const bool fresh = !heads_.contains(c.head.id);
  heads_[c.head.id] = c.head.last_position;
  if (fresh) {  // it may have become large just now
    bound();
    for (auto& [user, groups] : of_) correct(user, groups, c);
    return;
  }
  for (const UserId& user : changed) {
    if (const auto it = of_.find(user); it != of_.end()) correct(user, it->second, c);
  }
}

// Forgetting is safe: it is asked again.
void LargeFeed::bound() {
  const std::size_t most = limits::conversations_cached_max;
  if (heads_.size() <= most && of_.size() <= most) return;
  of_.clear();
  std::erase_if(heads_, [this](const auto& head) { return peek_(head.first) == nullptr; });
}

std::vector<FeedEntry> LargeFeed::entries(const Groups& groups) const {
  std::vector<FeedEntry> found;
  found.reserve(groups.size());
  for (const ConversationId& id : groups) found.push_back({id, heads_.at(id)});
  return found;
}

void LargeFeed::of(const UserId& user, Done<std::vector<FeedEntry>> done) {
  const auto waiting = loading_.find(user);
  if (waiting != loading_.end()) {
    waiting->second.push_back(std::move(done));
    return;
  }
  if (const auto known = of_.find(user); known != of_.end()) return done(entries(known->second));
  loading_[user].push_back(std::move(done));
  store_.large(user, [this, alive = alive_, user](Result<std::vector<FeedEntry>> stored) {
    if (!*alive) return;
    if (stored) loaded(user, *stored);
    const auto asked = std::move(loading_.at(user));
    loading_.erase(user);
    for (const auto& answer : asked) {
      if (!*alive) return;
      if (!stored) {
        answer(stored.error());
      } else {
        of(user, answer);
      }
    }
  });
}

void LargeFeed::loaded(const UserId& user, const std::vector<FeedEntry>& stored) {
  bound();
  Groups& groups = of_[user];
  for (const FeedEntry& entry : stored) {
    groups.insert(entry.conversation);
    Position& head = heads_[entry.conversation];
    head = std::max(head, entry.feed_ver);
  }
  // What the store does not have yet.
  for (const auto& [id, position] : heads_) {
    const Conversation* c = peek_(id);
    if (c != nullptr && c->head.large) correct(user, groups, *c);
  }
}

}  // namespace kith::server
