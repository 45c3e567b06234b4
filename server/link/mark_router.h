// MarkRouter: brings the marks of a partition to the homes of the users that they are about.
//
// Each home gives out versions for its own users, and counts the records behind them (FeedVersions). A home counts the
// records of marks that others got with its next one, so it counts none twice, unless a mark is repeated (MarkSender).
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/link/mark_sender.h"
#include "server/records/feed_marks.h"

namespace kith::server {

// On the loop of the partition.
class MarkRouter : public FeedMarks {
 public:
  // The way to the next home, in their order; outlives this. All before the first mark.
  void add(MarkSender& home) { homes_.push_back({&home}); }

  void begins(std::uint64_t stored, std::uint64_t logged) override;
  // Each home gets its own users. A mark of a large group goes to all homes, for each keeps the version of the group,
  // with which the members compare.
  void mark(const FeedMark& mark) override;
  void mark_user(const UserId& user) override;
  // Answered when all homes have answered. Their marks are counted each for itself: a home without marks since its last
  // answer holds nothing up, even if it is away.
  void flush(Done<void> done) override;

 private:
  struct HomeMarks {
    MarkSender* marks = nullptr;
    std::uint64_t counted = 0;  // of records_
  };
  // Returns the mark for the users of a home alone.
  [[nodiscard]] FeedMark part_of(const FeedMark& mark, std::size_t home) const;
  [[nodiscard]] std::size_t home_of(const UserId& user) const;

  std::vector<HomeMarks> homes_;
  std::uint64_t records_ = 0;  // of all marks
};

}  // namespace kith::server
