// SearchWalk: one search in the tables of search.db, in slices: between two of them nothing of the file is
// held, and others search.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "kith/server/ports/search_index.h"
#include "src/search_terms.h"
#include "src/sqlite/database_sqlite.h"

namespace kith::server {

// Decides when to give up. Threads: any.
class Patience {
 public:
  Patience(Millis limit, const std::atomic<bool>& closing);
  [[nodiscard]] bool over() const;

 private:
  const std::atomic<bool>& closing_;
  std::optional<std::chrono::steady_clock::time_point> deadline_;
};

// The time that a search may go on for while other people wait.
class SearchSlice {
 public:
  SearchSlice(std::chrono::microseconds length, const Patience& patience,
              const std::atomic<std::size_t>& waiting);
  [[nodiscard]] bool over() const;
  [[nodiscard]] bool late() const { return patience_.over(); }
  [[nodiscard]] std::chrono::microseconds used() const;

 private:
  const std::chrono::steady_clock::time_point begin_;
  const std::chrono::microseconds length_;
  const Patience& patience_;
  const std::atomic<std::size_t>& waiting_;
};

// The newest hits of all scopes that were looked at.
class NewestHits {
 public:
  explicit NewestHits(std::size_t limit) : limit_(limit) {}
  // A hit that is not above this is not wanted.
  [[nodiscard]] std::uint64_t floor() const {
    return hits_.size() < limit_ ? 0 : hits_.top().place;
  }
  void add(const IndexHit& hit);
  std::vector<IndexHit> take();

 private:
  struct Newer {
    bool operator()(const IndexHit& a, const IndexHit& b) const { return a.place > b.place; }
  };
  const std::size_t limit_;
  std::priority_queue<IndexHit, std::vector<IndexHit>, Newer> hits_;  // top: the oldest
};

class SearchWalk {
 public:
  SearchWalk(IndexQuery query, search::Pattern pattern);

  // True: everything was looked at. kTimeout when it is late.
  Result<bool> go_on(Database& db, const SearchSlice& slice);
  std::vector<IndexHit> take() { return hits_.take(); }
  [[nodiscard]] const UserId& reader() const { return query_.reader; }
  // Whether a slice has brought it on; if not, the next one must be longer.
  [[nodiscard]] bool came_on() { return std::exchange(came_on_, false); }

 private:
  struct Candidate {
    IndexScope scope;
    std::uint64_t num = 0;
    std::uint64_t newest = 0;
    bool jumped = false;
  };
  // The candidate that is looked at.
  struct Look {
    std::uint64_t before = 0;                // from here on; 0 = from the newest
    std::size_t taken = 0;                   // hits that it has given already
    std::optional<std::uint64_t> last_ms{};  // the end of its scope lies here
  };
  Status list_some(Database& db);
  void next_candidate();
  Result<bool> look(Database& db, const SearchSlice& slice);
  bool take_row(const Candidate& candidate, const Query& row);

  IndexQuery query_;
  const search::Pattern pattern_;
  NewestHits hits_;
  std::size_t listed_ = 0;  // scopes
  std::vector<Candidate> candidates_;
  std::size_t at_ = 0;
  Look look_;
  bool came_on_ = false;
};

}  // namespace kith::server
