// MarkSender: brings the marks of a partition to a front of the server. Marks that no answered flush() covers are
// kept, and given again to its next connection: a mark is never lost with one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "server/link/front_wire.h"
#include "server/records/feed_marks.h"

namespace kith::server {

// On the loop of the partition. The store waits for a flush, and commands for the store: so not more marks are kept
// than of limits::apply_lag_max records.
class MarkSender : public FeedMarks {
 public:
  // `keeps`: there may be further connections. The wire outlives this.
  MarkSender(FrontWire& wire, bool keeps) : wire_(wire), keeps_(keeps) {}

  // A connection begins: opens the link, and gives again what is kept.
  void connected();
  // The store has everything up to there.
  void stored(std::uint64_t upto);
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }

  void begins(std::uint64_t stored, std::uint64_t logged) override;
  void mark(const FeedMark& mark) override { note(mark); }
  void mark_user(const UserId& user) override { note(user); }
  void flush(Done<void> done) override;

 private:
  friend class FrontLink;                       // which gets the answers
  using Mark = std::variant<FeedMark, UserId>;  // of a conversation, or of a user's own state
  struct Flush {
    std::uint64_t upto;  // marks, counted from the first of all
    Done<void> done;
  };
  void note(Mark mark);
  void post_mark(const Mark& mark);
  void post_flush();
  void flushed(std::uint64_t upto);

  FrontWire& wire_;
  const bool keeps_;
  std::optional<std::pair<std::uint64_t, std::uint64_t>>
      begun_;              // the arguments of begins(), by now
  std::deque<Mark> kept_;  // the last ones
  std::uint64_t marked_ = 0;
  std::uint64_t durable_ = 0;  // marks, as the front has answered
  std::vector<Flush> flushes_;
};

}  // namespace kith::server
