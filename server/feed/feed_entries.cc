// Entries in memory, by user.
#include "server/feed/feed_entries.h"

#include "kith/core/limits.h"

namespace kith::server {

bool FeedEntries::mark(const UserId& user, const ConversationId& conversation, bool large,
                       FeedVersion ver, FeedVersion served) {
  Entry& entry = of_[user][conversation];
  if (entry.ver > served && entry.large == large) return false;
  if (entry.stored) --stored_;
  entry.ver = ver;
  entry.large = large;
  entry.stored = false;
  if (!std::exchange(entry.queued, true)) queued_.emplace_back(user, conversation);
  return true;
}

FeedVersion FeedEntries::ver(const UserId& user, const ConversationId& conversation) const {
  const auto it = of_.find(user);
  if (it == of_.end()) return 0;
  const auto entry = it->second.find(conversation);
  return entry == it->second.end() ? 0 : entry->second.ver;
}

void FeedEntries::take(FeedBatch& batch) {
  batch.entries.reserve(queued_.size());
  for (const auto& [user, conversation] : queued_) {
    Entry& entry = of_.at(user).at(conversation);
    entry.queued = false;
    batch.entries.push_back({user, conversation, entry.ver, entry.large});
  }
  queued_.clear();
}

void FeedEntries::is_stored(const FeedRow& row, bool keep) {
  const auto it = of_.find(row.user);
  if (it == of_.end()) return;
  const auto entry = it->second.find(row.conversation);
  if (entry == it->second.end() || entry->second.ver != row.ver || entry->second.stored) return;
  if (keep && stored_ < limits::feed_entries_cached_max) {
    entry->second.stored = true;
    ++stored_;
    return;
  }
  it->second.erase(entry);
  if (it->second.empty()) of_.erase(it);
}

void FeedEntries::served(const UserId& user, FeedVersion upto) {
  const auto it = of_.find(user);
  if (it == of_.end()) return;
  stored_ -= std::erase_if(
      it->second, [upto](const auto& one) { return one.second.stored && one.second.ver <= upto; });
  if (it->second.empty()) of_.erase(it);
}

}  // namespace kith::server
