// Large groups of users, kept up with the marks.
#include "server/feed/large_feed.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {

void LargeFeed::correct(const UserId& user, const ConversationId& group, bool inside) {
  if (const auto it = loading_.find(user); it != loading_.end()) it->second.changed[group] = inside;
  const auto it = of_.find(user);
  if (it == of_.end()) return;
  if (inside) {
    it->second.insert(group);
  } else {
    it->second.erase(group);
  }
}

void LargeFeed::note(const FeedMark& mark, FeedVersion ver) {
  if (!versions_.contains(mark.conversation)) bound();
  versions_[mark.conversation] = ver;
  queued_.insert(mark.conversation);
  for (const UserId& user : mark.users) correct(user, mark.conversation, true);
  for (const UserId& user : mark.former) correct(user, mark.conversation, false);
}

// Forgetting is safe: the store is asked again. It does not have the versions that are queued or on
// their way to it, so those stay.
void LargeFeed::bound() {
  const std::size_t most = limits::conversations_cached_max;
  if (versions_.size() <= most && of_.size() <= most) return;
  of_.clear();
  std::erase_if(versions_, [this](const auto& one) {
    return !queued_.contains(one.first) && !writing_.contains(one.first);
  });
}

std::vector<FeedEntry> LargeFeed::entries(const Groups& groups) const {
  std::vector<FeedEntry> found;
  found.reserve(groups.size());
  for (const ConversationId& id : groups) found.push_back({id, versions_.at(id)});
  return found;
}

void LargeFeed::of(const UserId& user, Done<std::vector<FeedEntry>> done) {
  const auto waiting = loading_.find(user);
  if (waiting != loading_.end()) {
    waiting->second.waiting.push_back(std::move(done));
    return;
  }
  if (const auto known = of_.find(user); known != of_.end()) return done(entries(known->second));
  Loading& loading = loading_[user];
  loading.waiting.push_back(std::move(done));
  entries_.unstored(user, [&loading](const ConversationId& id, const FeedEntries::Entry& entry) {
    loading.changed[id] = entry.large;
  });
  store_.large(user, guard_.wrap([this, user](Result<std::vector<FeedEntry>> stored) {
    const Guard::Watch here = guard_.watch();  // a callback may destroy this
    const Loading asked = std::move(loading_.at(user));
    loading_.erase(user);
    if (stored) loaded(user, *stored, asked.changed);
    for (const auto& answer : asked.waiting) {
      if (here.gone()) return;
      if (!stored) {
        answer(stored.error());
      } else {
        of(user, answer);
      }
    }
  }));
}

void LargeFeed::loaded(const UserId& user, const std::vector<FeedEntry>& stored,
                       const std::map<ConversationId, bool>& changed) {
  bound();
  Groups& groups = of_[user];
  for (const FeedEntry& entry : stored) {
    groups.insert(entry.conversation);
    FeedVersion& ver = versions_[entry.conversation];
    ver = std::max(ver, entry.ver);
  }
  for (const auto& [group, inside] : changed) {
    if (!inside) {
      groups.erase(group);
    } else {
      groups.insert(group);
      versions_.try_emplace(group, 0);
    }
  }
}

void LargeFeed::take(FeedBatch& batch) {
  for (const ConversationId& id : queued_) batch.groups.emplace_back(id, versions_.at(id));
  writing_ = std::exchange(queued_, {});
}

}  // namespace kith::server
