// Marks are divided among homes.
#include "server/link/mark_router.h"

#include <memory>
#include <utility>

#include "server/records/partition.h"

namespace kith::server {

std::size_t MarkRouter::home_of(const UserId& user) const {
  return partition_of(user, static_cast<std::uint32_t>(homes_.size()));
}

void MarkRouter::begins(std::uint64_t stored, std::uint64_t logged) {
  for (const HomeMarks& home : homes_) home.marks->begins(stored, logged);
}

void MarkRouter::mark(const FeedMark& mark) {
  records_ += mark.records;
  for (std::size_t i = 0; i < homes_.size(); ++i) {
    FeedMark part = part_of(mark, i);
    if (!part.large && part.users.empty() && part.former.empty()) continue;
    part.records = records_ - std::exchange(homes_[i].counted, records_);
    homes_[i].marks->mark(part);
  }
}

FeedMark MarkRouter::part_of(const FeedMark& mark, std::size_t home) const {
  FeedMark part;
  part.conversation = mark.conversation;
  part.last_seq = mark.last_seq;
  part.large = mark.large;
  for (const UserId& user : mark.users) {
    if (home_of(user) == home) part.users.push_back(user);
  }
  for (const UserId& user : mark.former) {
    if (home_of(user) == home) part.former.push_back(user);
  }
  if (!mark.reader.empty() && home_of(mark.reader) == home) part.reader = mark.reader;
  return part;
}

// The home counts one record for it, and the records of others with its next mark of a conversation.
void MarkRouter::mark_user(const UserId& user) {
  HomeMarks& home = homes_[home_of(user)];
  ++records_;
  ++home.counted;
  home.marks->mark_user(user);
}

void MarkRouter::flush(Done<void> done) {
  struct Answers {
    std::size_t missing;
    Done<void> done;
  };
  const auto answers = std::make_shared<Answers>(Answers{homes_.size(), std::move(done)});
  for (const HomeMarks& home : homes_) {
    home.marks->flush([answers](const Status&) {  // fails never, but waits
      if (--answers->missing == 0) answers->done({});
    });
  }
}

}  // namespace kith::server
