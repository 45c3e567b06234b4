// A search index in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#include "server/adapters/embedded/search_index_memory.h"

#include <algorithm>
#include <utility>

#include "src/search_terms.h"

namespace kith::server {

namespace {

constexpr std::size_t kTakenBackMax = 8;

bool in_scope(const IndexQuery& query, const IndexedMessage& message) {
  return std::any_of(query.scopes.begin(), query.scopes.end(), [&](const IndexScope& scope) {
    return scope.conversation == message.conversation && message.seq >= scope.from &&
           (scope.to == 0 || message.seq <= scope.to);
  });
}

std::vector<IndexHit> hits_of(const SearchIndexMemory::Disk& disk, const IndexQuery& query,
                              const search::Pattern& pattern) {
  std::vector<IndexHit> hits;
  auto message = query.before == 0 ? disk.messages.end() : disk.messages.lower_bound(query.before);
  while (message != disk.messages.begin() && hits.size() < query.limit) {
    const auto& [place, indexed] = *--message;
    if (!in_scope(query, indexed)) continue;
    if (!indexed.only_for.empty() && indexed.only_for != query.reader) continue;
    if (search::find(pattern, indexed.text).empty()) continue;
    hits.push_back({indexed.conversation, indexed.seq, place});
  }
  return hits;
}

}  // namespace

SearchIndexMemory::SearchIndexMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler)
    : disk_(std::move(disk)), scheduler_(scheduler) {}

SearchIndexMemory::~SearchIndexMemory() {
  std::size_t lost = disk_->lost_at_crash ? disk_->lost_at_crash() : 0;
  for (; lost > 0 && !newest_.empty(); --lost) {
    take_back(newest_.back());
    newest_.pop_back();
  }
}

Result<Position> SearchIndexMemory::complete(std::uint32_t partition) {
  if (disk_->read_fault) {
    if (auto fault = disk_->read_fault()) return *fault;
  }
  const auto found = disk_->complete.find(partition);
  return found == disk_->complete.end() ? 0 : found->second;
}

void SearchIndexMemory::begin_anew(Done<void> done) {
  later([this, done = std::move(done)] {
    disk_->complete.clear();
    disk_->marks.clear();
    disk_->messages.clear();
    newest_.clear();
    done({});
  });
}

// Its own place, or where it is already, or the next free one.
Result<std::uint64_t> SearchIndexMemory::place_for(const IndexedMessage& message) const {
  for (std::uint64_t place = message.place; place <= message.place + index_moves_max; ++place) {
    const auto known = disk_->messages.find(place);
    if (known == disk_->messages.end()) return place;
    const IndexedMessage& there = known->second;
    if (there.conversation == message.conversation && there.seq == message.seq) return place;
  }
  return make_error(ErrorCode::kCacheCorrupt, "the search index is full at a place");
}

Status SearchIndexMemory::store(const IndexBatch& batch) {
  Before before{disk_->complete, {}, {}};
  for (const IndexedMessage& message : batch.messages) {
    const auto mark = disk_->marks.find(message.conversation);
    if (mark != disk_->marks.end() && message.seq <= mark->second) continue;
    const auto place = place_for(message);
    if (!place) {
      take_back(before);
      return place.error();
    }
    if (disk_->messages.emplace(*place, message).second) before.messages.push_back(*place);
  }
  for (const auto& [id, upto] : batch.marks) {
    std::uint64_t& mark = disk_->marks[id];
    before.marks.emplace_back(id, mark);
    mark = std::max(mark, upto);
  }
  if (batch.complete != 0) disk_->complete[batch.partition] = batch.complete;
  newest_.push_back(std::move(before));
  if (newest_.size() > kTakenBackMax) newest_.pop_front();
  return {};
}

void SearchIndexMemory::take_back(const Before& before) {
  disk_->complete = before.complete;
  // The first of several marks of a conversation is what it was before.
  for (auto mark = before.marks.rbegin(); mark != before.marks.rend(); ++mark) {
    disk_->marks[mark->first] = mark->second;
  }
  for (const std::uint64_t place : before.messages) disk_->messages.erase(place);
}

void SearchIndexMemory::later(std::function<void()> task) {
  auto guarded = guard_.wrap(std::move(task));
  if (disk_->delay) {
    scheduler_.after(disk_->delay(), std::move(guarded));
  } else {
    scheduler_.post(std::move(guarded));
  }
}

void SearchIndexMemory::add(std::shared_ptr<const IndexBatch> batch, Done<void> done) {
  later([this, batch = std::move(batch), done = std::move(done)] {
    const auto fault = disk_->add_fault ? disk_->add_fault() : std::nullopt;
    if (fault) return done(*fault);
    done(store(*batch));
  });
}

void SearchIndexMemory::marks(const std::vector<ConversationId>& ids,
                              Done<std::vector<std::uint64_t>> done) {
  later([this, ids, done = std::move(done)] {
    const auto fault = disk_->read_fault ? disk_->read_fault() : std::nullopt;
    if (fault) return done(*fault);
    std::vector<std::uint64_t> marks;
    for (const ConversationId& id : ids) {
      const auto mark = disk_->marks.find(id);
      marks.push_back(mark == disk_->marks.end() ? 0 : mark->second);
    }
    done(std::move(marks));
  });
}

void SearchIndexMemory::find(const IndexQuery& query, Done<std::vector<IndexHit>> done) {
  auto pattern = search::parse(query.text);
  if (!pattern) return done(pattern.error());
  later([this, query, pattern = std::move(*pattern), done = std::move(done)] {
    const auto fault = disk_->read_fault ? disk_->read_fault() : std::nullopt;
    if (query.spent) query.spent(std::chrono::microseconds(0));
    if (fault) return done(*fault);
    done(hits_of(*disk_, query, pattern));
  });
}

}  // namespace kith::server
