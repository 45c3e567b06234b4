// Marks leave once, and once more for each further front.
#include "server/link/mark_sender.h"

#include <algorithm>
#include <utility>

#include "server/link/front_link.h"

namespace kith::server {

void MarkSender::begins(std::uint64_t stored, std::uint64_t logged) {
  begun_.emplace(stored, logged);
  if (wire_.open()) connected();
}

void MarkSender::stored(std::uint64_t upto) {
  if (begun_) begun_->first = upto;
}

void MarkSender::connected() {
  if (!begun_) return;
  wire_.post([begun = *begun_](OwnerLink& link) { link.begins(begun.first, begun.second); });
  for (const Mark& mark : kept_) post_mark(mark);
  if (!flushes_.empty()) post_flush();
}

void MarkSender::note(Mark mark) {
  ++marked_;
  if (wire_.open()) post_mark(mark);
  if (keeps_) kept_.push_back(std::move(mark));
}

void MarkSender::post_mark(const Mark& mark) {
  if (const auto* user = std::get_if<UserId>(&mark)) {
    return wire_.post([user = *user](OwnerLink& link) { link.front().marks.mark_user(user); });
  }
  wire_.post([mark = std::get<FeedMark>(mark)](OwnerLink& link) { link.front().marks.mark(mark); });
}

void MarkSender::flush(Done<void> done) {
  if (durable_ == marked_) return done({});
  flushes_.push_back({marked_, std::move(done)});
  if (wire_.open()) post_flush();
}

// A flush that fails is asked for again with the next connection.
void MarkSender::post_flush() {
  wire_.post([upto = marked_](OwnerLink& link) {
    link.front().marks.flush(link.answer<Status>([upto](FrontLink& front, const Status& status) {
      if (status) front.marks().flushed(upto);
    }));
  });
}

void MarkSender::flushed(std::uint64_t upto) {
  durable_ = std::max(durable_, upto);
  while (!kept_.empty() && marked_ - kept_.size() < durable_) kept_.pop_front();
  std::vector<Flush> answered;
  for (Flush& flush : std::exchange(flushes_, {})) {
    (flush.upto <= durable_ ? answered : flushes_).push_back(std::move(flush));
  }
  for (const Flush& flush : answered) flush.done({});
}

}  // namespace kith::server
