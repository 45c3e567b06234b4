// SearchWalk: one search in the tables of search.db, in slices.
#include "server/adapters/embedded/search_walk_sqlite.h"

#include <algorithm>
#include <limits>
#include <string>

#include "server/adapters/embedded/search_index_rows_sqlite.h"

namespace kith::server {

namespace {

using Clock = std::chrono::steady_clock;
using Micros = std::chrono::microseconds;

// In FTS5's language. Terms have no character that means something there.
std::string match_text(const std::string& prefix, const search::Pattern& pattern) {
  std::string match;
  for (const search::Phrase& phrase : pattern.phrases) {
    if (!match.empty()) match += " AND ";
    match += '"';
    for (const std::string& term : phrase.terms) match.append(prefix).append(term) += ' ';
    match.back() = '"';
    if (phrase.prefix) match += " *";
  }
  return match;
}

Error too_long() {
  return make_error(ErrorCode::kTimeout, "the search takes too long");
}

Result<bool> to_be_continued(const SearchSlice& slice) {
  if (slice.late()) return too_long();
  return false;
}

}  // namespace

Patience::Patience(Millis limit, const std::atomic<bool>& closing) : closing_(closing) {
  if (limit.count() != 0) deadline_ = Clock::now() + limit;
}

bool Patience::over() const {
  return closing_ || (deadline_ && Clock::now() > *deadline_);
}

SearchSlice::SearchSlice(Micros length, const Patience& patience,
                         const std::atomic<std::size_t>& waiting)
    : begin_(Clock::now()), length_(length), patience_(patience), waiting_(waiting) {}

bool SearchSlice::over() const {
  return (waiting_ > 0 && Clock::now() - begin_ > length_) || late();
}

Micros SearchSlice::used() const {
  return std::chrono::duration_cast<Micros>(Clock::now() - begin_);
}

void NewestHits::add(const IndexHit& hit) {
  hits_.push(hit);
  if (hits_.size() > limit_) hits_.pop();
}

std::vector<IndexHit> NewestHits::take() {
  std::vector<IndexHit> all(hits_.size());
  for (auto to = all.rbegin(); to != all.rend(); ++to) {
    *to = hits_.top();
    hits_.pop();
  }
  return all;
}

SearchWalk::SearchWalk(IndexQuery query, search::Pattern pattern)
    : query_(std::move(query)), pattern_(std::move(pattern)), hits_(query_.limit) {
  if (query_.limit == 0) query_.scopes.clear();
}

Result<bool> SearchWalk::go_on(Database& db, const SearchSlice& slice) {
  if (slice.late()) return too_long();
  const Snapshot snapshot(db);
  if (!snapshot.begun()) return snapshot.begun().error();
  while (listed_ < query_.scopes.size()) {
    if (auto status = list_some(db); !status) return status.error();
    if (slice.over()) return to_be_continued(slice);
  }
  while (at_ < candidates_.size()) {
    // Conversations come by their newest message: the rest has nothing that is new enough.
    if (candidates_[at_].newest <= hits_.floor()) break;
    auto whole = look(db, slice);
    if (!whole) return whole.error();
    if (*whole) next_candidate();
    if (slice.over() || !*whole) return to_be_continued(slice);
  }
  return true;
}

// Those of the scopes that the index knows, at last with the one with the newest message first.
Status SearchWalk::list_some(Database& db) {
  constexpr std::size_t kAtOnce = 64;
  for (std::size_t n = 0; n < kAtOnce && listed_ < query_.scopes.size(); ++n) {
    const IndexScope& scope = query_.scopes[listed_++];
    if (scope.to != 0 && scope.to < scope.from) continue;
    Query row = db.query("SELECT num,newest,jumped FROM conversation WHERE id=?1");
    if (row.bind(scope.conversation).next()) {
      candidates_.push_back({scope, row.number(0), row.number(1), row.number(2) != 0});
    }
    if (auto status = row.status(); !status) return status;
  }
  came_on_ = true;
  if (listed_ < query_.scopes.size()) return {};
  std::sort(candidates_.begin(), candidates_.end(),
            [](const Candidate& a, const Candidate& b) { return a.newest > b.newest; });
  return {};
}

void SearchWalk::next_candidate() {
  ++at_;
  look_ = {};
  came_on_ = true;
}

// False: the slice ended in the midst of it.
Result<bool> SearchWalk::look(Database& db, const SearchSlice& slice) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const Candidate& candidate = candidates_[at_];
  const std::string match = match_text(term_prefix(candidate.num), pattern_);
  const std::uint64_t before = look_.before != 0 ? look_.before : query_.before;
  const Interruptible working(db, [&slice] { return slice.over(); });
  Query rows = db.query(
      "SELECT w.rowid,m.seq,m.only_for FROM word w CROSS JOIN message m ON m.place=w.rowid"
      " WHERE w.terms MATCH CAST(?1 AS TEXT) AND w.rowid<?2 AND w.rowid>?3"
      " ORDER BY w.rowid DESC");
  rows.bind(match, before == 0 ? kMax : std::min(before, kMax), hits_.floor());
  while (look_.taken < query_.limit && rows.next()) {
    look_.before = rows.number(0);
    came_on_ = true;
    if (!take_row(candidate, rows)) return true;
    if (slice.over()) return false;
  }
  if (working.interrupted()) return false;
  if (auto status = rows.status(); !status) return status.error();
  return true;
}

// False: none behind this row is in the scope.
bool SearchWalk::take_row(const Candidate& candidate, const Query& row) {
  const IndexScope& scope = candidate.scope;
  const std::uint64_t place = row.number(0);
  const std::uint64_t seq = row.number(1);
  const std::uint64_t ms = place >> index_place_bits;
  // Within a millisecond places follow no seq, and a row may have been moved up into the next one.
  if (look_.last_ms && ms + 1 < *look_.last_ms) return false;
  if (seq < scope.from) {
    if (!look_.last_ms && !candidate.jumped) look_.last_ms = ms;
    return true;
  }
  const bool above = scope.to != 0 && seq > scope.to;
  if (above || !(row.null(2) || row.view(2) == query_.reader.view())) return true;
  hits_.add({scope.conversation, seq, place});
  ++look_.taken;
  return true;
}

}  // namespace kith::server
