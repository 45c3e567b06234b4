// FeedVersions gives out the versions of feed entries: ascending, never one that an earlier process may
// have given out, and never beyond the logs behind them.
//
// A version is the run of the server that gave it out, and behind it the number of records of all logs
// that were decided then. A crash takes decisions back but no records, so a device whose version counts
// more records than the logs have comes from another history.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kith/server/ports/feed_store.h"

namespace kith::server {

class FeedVersions {
 public:
  // `run`: see FeedStore::begin(). Versions of before there were runs, positions of the one log, count as run 0.
  void begin(std::uint64_t run) { last_ = run << kRecordBits; }
  // A log had `logged` records when this run began, `stored` of which are not decided again.
  void add_log(std::uint64_t stored, std::uint64_t logged) {
    last_ += stored;
    logged_ += logged;
  }
  // Returns a new version. `records`: decided since the last one, at least one.
  FeedVersion next(std::uint64_t records) { return last_ += records; }

  // The newest that was given out.
  [[nodiscard]] FeedVersion last() const { return last_; }
  // Whether this history can have given out the version: not if it counts more records than there are.
  [[nodiscard]] bool may_be(FeedVersion version) const {
    return version <= last_ && records(version) <= std::max(records(last_), logged_);
  }
  // How many records a version counts.
  [[nodiscard]] static std::uint64_t records(FeedVersion version) {
    return version & ((std::uint64_t{1} << kRecordBits) - 1);
  }

 private:
  // 20,000 records a second for 28 years, and half a million runs.
  static constexpr unsigned kRecordBits = 44;

  FeedVersion last_ = 0;
  std::uint64_t logged_ = 0;
};

}  // namespace kith::server
