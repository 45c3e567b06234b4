// Invariants 4 and 6.
#include "tests/simulation/checkers/cache.h"

#include <algorithm>

#include "server/records/wire.h"

namespace kith::sim {

void CacheChecker::cached(const Who& who, const client::CacheChange& change) {
  const CacheDisk& disk = truth_.disk(who.device);
  for (const auto& [conversation, ranges] : change.ranges) {
    static const std::map<std::uint64_t, client::StoredEvent> kNone;
    const auto of = disk.cache.events.find(conversation);
    const auto& held = of == disk.cache.events.end() ? kNone : of->second;
    for (const auto& [from, to] : ranges.list()) {
      const auto count = std::distance(held.lower_bound(from), held.upper_bound(to));
      if (static_cast<std::uint64_t>(count) == to - from + 1) continue;
      broken(4, who.name + " claims events " + std::to_string(from) + ".." + std::to_string(to) +
                    " of conversation " + brief(conversation) + " and holds " +
                    std::to_string(count) + " of them");
    }
  }
  if (!change.cursor) return;
  Claim claim{who.device, *change.cursor, {}, {}};
  for (const auto& [partition, end] : logged_) {
    if (end > truth_.store(partition).applied) claim.log_ends[partition] = end;
  }
  for (const auto& [id, record] : disk.cache.conversations) claim.heads[id] = record.last_seq;
  for (std::uint32_t i = 0; i < truth_.disks.count(); ++i) judge(claim, i);
  if (!claim.log_ends.empty()) claims_.push_back(std::move(claim));
}

void CacheChecker::logged(std::uint32_t partition, const server::LogEntry& entry) {
  logged_[partition] = entry.position;
}

void CacheChecker::applied(std::uint32_t partition, const server::StoreBatch&) {
  const server::Position stored = truth_.store(partition).applied;
  std::erase_if(claims_, [&](Claim& claim) {
    const auto end = claim.log_ends.find(partition);
    if (end == claim.log_ends.end()) return false;
    judge(claim, partition);
    if (end->second <= stored) claim.log_ends.erase(end);
    return claim.log_ends.empty();
  });
}

// A cursor claims that the device knows a conversation as it is, unless the feed names it under a newer version.
void CacheChecker::judge(const Claim& claim, std::uint32_t partition) {
  const Who& who = truth_.devices[claim.device];
  const Truth::Store& store = truth_.store(partition);
  for (const auto& [id, members] : store.members) {
    const auto found = members.find(who.user);
    if (found == members.end() || truth_.feed_version(who.user, id) > claim.cursor) continue;
    const server::Member& member = found->second;
    const auto stored = store.events.find(id);
    if (stored == store.events.end()) continue;  // lost: the rules for messages say so
    const auto& events = stored->second;
    for (auto e = events.rbegin(); e != events.rend() && e->first >= member.join_seq; ++e) {
      if (member.left_seq != 0 && e->first > member.left_seq) continue;
      const auto known = claim.heads.find(id);
      if (known == claim.heads.end() || known->second < e->first) {
        broken(4, who.name + " committed cursor " + std::to_string(claim.cursor) +
                      " without event " + brief(id) + "/" + std::to_string(e->first) +
                      " of record " + std::to_string(e->second.position));
      }
      break;
    }
  }
}

void CacheChecker::at_rest() {
  for (const Who& who : truth_.devices) {
    if (truth_.gone(who.user)) continue;
    if (client::Engine* engine = truth_.engine(who.device)) count_unread(who, *engine);
  }
}

void CacheChecker::count_unread(const Who& who, client::Engine& engine) {
  for (const client::Conversation& shown : engine.history().conversations(1000)) {
    const Truth::Store& store = truth_.store_of(shown.id);
    const auto head = store.heads.find(shown.id);
    if (head == store.heads.end()) continue;
    const server::Member& member = store.members.at(shown.id).at(who.user);
    if (!member.active()) continue;
    std::uint64_t unread = 0;
    const std::uint64_t read = std::max(member.read_seq, member.join_seq);
    for (const auto& [seq, event] : store.events.at(shown.id)) {
      if (seq > read && event.countable) ++unread;
    }
    const std::uint64_t told = head->second.last_ordinal + member.withheld - member.read_ordinal;
    if (shown.unread != unread || told != unread) {
      broken(6, who.name + " shows " + std::to_string(shown.unread) + " unread in " +
                    brief(shown.id) + ", the server counts " + std::to_string(told) +
                    ", there are " + std::to_string(unread));
    }
  }
}

}  // namespace kith::sim
