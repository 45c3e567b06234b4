// CacheDisk: the same two files, in the same order of writes, as cache_store_sqlite.cc.
#include "tests/simulation/cache_disk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "client/searchable.h"

namespace kith::sim {
namespace {

const Error kFull{ErrorCode::kDiskFull, "the simulated disk is full"};
const Error kDead{ErrorCode::kIo, "the process is being killed"};

}  // namespace

Result<client::CacheContent> CacheStoreOnDisk::load() {
  client::CacheContent content;
  content.conversations = disk_.cache.conversations;
  content.ranges = disk_.cache.ranges;
  for (const auto& [user, profile] : disk_.cache.profiles) content.profiles.push_back(profile);
  content.kv = disk_.cache.kv;
  content.cursor = disk_.cache.cursor;
  for (const auto& [id, row] : disk_.outbox) {
    if (find_message(row.conversation, id)) continue;
    content.outbox.push_back(row);
    content.outbox.back().attempt = 1;  // whether it left before the restart is not known
    content.outbox.back().placed_seq = 0;
    content.outbox.back().placed_ts_ms = 0;
  }
  std::sort(content.outbox.begin(), content.outbox.end(),
            [](const auto& a, const auto& b) { return a.order < b.order; });
  content.read_marks = disk_.read_marks;
  content.device = disk_.device;
  content.run = disk_.run;
  return content;
}

bool CacheStoreOnDisk::killed(CommitPoint point) {
  if (!dead_ && faults_.killed && faults_.killed(point)) {
    dead_ = true;
    died_();
  }
  return dead_;
}

Status CacheStoreOnDisk::commit(const client::CacheChange& change) {
  if (killed(CommitPoint::kBefore)) return kDead;
  const bool outbox = change.touches_outbox();
  if (full(change.touches_cache() ? CommitPoint::kBefore : CommitPoint::kBetweenFiles)) {
    return kFull;
  }
  if (change.touches_cache()) {
    write_cache(change);
    // The history is lost in any case, whatever happens to the second file.
    if (outbox && change.forget_history) committed_(history_forgotten());
    if (outbox && killed(CommitPoint::kBetweenFiles)) return kDead;
    if (outbox && full(CommitPoint::kBetweenFiles)) return kFull;
  }
  if (outbox) write_outbox(change);
  committed_(change);
  return killed(CommitPoint::kAfter) ? Status(kDead) : Status();
}

client::CacheChange CacheStoreOnDisk::history_forgotten() {
  client::CacheChange change;
  change.forget_history = true;
  return change;
}

void CacheStoreOnDisk::write_cache(const client::CacheChange& change) {
  CacheDisk::Cache& cache = disk_.cache;
  if (change.forget_history) {
    cache.events.clear();
    cache.ranges.clear();
    cache.conversations.clear();
    cache.places.clear();
  }
  for (const client::StoredEvent& e : change.events) {
    if (!cache.events[e.conversation].try_emplace(e.seq, e).second) continue;
    const auto found = client::searchable(e);
    if (!found) continue;
    std::uint64_t place = found->place;
    while (!cache.places.try_emplace(place, e.conversation, e.seq).second) ++place;
  }
  for (const auto& [id, ranges] : change.ranges) cache.ranges[id] = ranges;
  for (const auto& record : change.conversations) cache.conversations[record.id] = record;
  for (const auto& profile : change.profiles) cache.profiles[profile.user] = profile;
  for (const auto& [key, value] : change.kv) cache.kv[key] = value;
  if (change.cursor) cache.cursor = *change.cursor;
}

void CacheStoreOnDisk::write_outbox(const client::CacheChange& change) {
  for (const client::OutboxRow& row : change.outbox_put) disk_.outbox[row.id] = row;
  for (const MessageId& id : change.outbox_remove) disk_.outbox.erase(id);
  for (const auto& [id, seq] : change.read_marks_put) disk_.read_marks[id] = seq;
  for (const ConversationId& id : change.read_marks_remove) disk_.read_marks.erase(id);
  if (change.device) disk_.device = *change.device;
  if (change.run) disk_.run = *change.run;
}

Result<std::vector<client::StoredEvent>> CacheStoreOnDisk::events(
    const ConversationId& conversation, std::uint64_t from, std::uint64_t before,
    std::size_t limit) {
  std::vector<client::StoredEvent> found;
  const auto it = disk_.cache.events.find(conversation);
  if (it == disk_.cache.events.end()) return found;
  for (auto e = it->second.lower_bound(before);
       e != it->second.begin() && found.size() < limit && std::prev(e)->first >= from;) {
    found.push_back((--e)->second);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::optional<client::StoredEvent> CacheStoreOnDisk::find_message(
    const ConversationId& conversation, const MessageId& id) {
  const auto it = disk_.cache.events.find(conversation);
  if (it == disk_.cache.events.end()) return std::nullopt;
  for (const auto& [seq, event] : it->second) {
    if (event.message == id) return event;
  }
  return std::nullopt;
}

// Reads every message, where the real one has an index.
Result<std::vector<client::FoundEvent>> CacheStoreOnDisk::search(
    const client::SearchRequest& request) {
  std::vector<client::FoundEvent> hits;
  const auto& places = disk_.cache.places;
  for (auto at = request.before ? places.lower_bound(request.before) : places.end();
       at != places.begin() && hits.size() < request.limit;) {
    --at;
    const auto& [conversation, seq] = at->second;
    if (!request.conversation.empty() && conversation != request.conversation) continue;
    const client::StoredEvent& event = disk_.cache.events.at(conversation).at(seq);
    const auto found = client::searchable(event);
    if (found && !search::find(request.pattern, found->text).empty())
      hits.push_back({event, at->first});
  }
  return hits;
}

}  // namespace kith::sim
