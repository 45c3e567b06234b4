// StorePace: how fast the store follows the log, and what that means for those who send.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::server {

// How far the store may be behind the log. Only tests have others than these: with small ones a few
// records are enough for commands to wait.
struct LagMarks {
  std::uint64_t at_once = 32'768;  // a batch for the store begins at once; not above `soft`
  std::size_t soft = limits::apply_lag_soft;
  std::size_t max = limits::apply_lag_max;
  std::size_t held = limits::commands_held_max;
};

// Pure: times are monotonic milliseconds given by the caller; one thread. The store tells of its work
// only when a batch is through, and a batch is most of what it is behind: in between it is taken to
// write as fast as it did lately, so that commands go on evenly and not in bursts.
class StorePace {
 public:
  explicit StorePace(const LagMarks& marks = {}) : marks_(marks) {}

  [[nodiscard]] const LagMarks& marks() const { return marks_; }
  // A batch of `records` is put together for the store; its retry is not reported again.
  void batch_begins(std::uint64_t records, std::int64_t now_ms);
  // The store has it.
  void batch_ends(std::int64_t now_ms);

  // Commands that may go on to the log: `unstored` records are in it and not in the store, `in_log`
  // commands are on their way there.
  [[nodiscard]] std::size_t room(std::uint64_t unstored, std::size_t in_log,
                                 std::int64_t now_ms) const;
  // Whether a command may wait for room behind `held` others: it would be neither one too many nor
  // wait for too long, and the store does not stand still.
  [[nodiscard]] bool may_wait(std::size_t held, std::int64_t now_ms) const;
  // When a command that may not wait shall come back: when those before it are through, each later
  // than the one before, so that they do not come at once.
  Millis come_back_after(std::size_t held, std::int64_t now_ms);

 private:
  [[nodiscard]] Millis time_for(std::uint64_t records) const;
  // The batch under way takes longer than any command may wait.
  [[nodiscard]] bool stands(std::int64_t now_ms) const;

  const LagMarks marks_;
  double per_ms_ = 0;          // records, lately; 0 = not known yet
  std::uint64_t writing_ = 0;  // records of the batch under way; 0 = none is
  std::int64_t began_ms_ = 0;
  std::uint32_t turned_away_ = 0;
};

}  // namespace kith::server
