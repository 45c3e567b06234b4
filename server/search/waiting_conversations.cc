// WaitingConversations: the conversations of a partition that wait to be indexed.
#include "server/search/waiting_conversations.h"

namespace kith::server {

void WaitingConversations::add(const ConversationId& id, Position before) {
  if (known_.contains(id)) return;
  if (waiting_.size() >= max_) {
    overflown_ = true;
    return;
  }
  known_.emplace(id, ++last_number_);
  waiting_.push_back({id, before, last_number_});
}

std::vector<WaitingConversations::Entry> WaitingConversations::take(std::size_t count) {
  std::vector<Entry> taken;
  for (drop_void(); !waiting_.empty() && taken.size() < count; drop_void()) {
    taken.push_back(waiting_.front());
    known_.erase(waiting_.front().conversation);
    waiting_.pop_front();
  }
  return taken;
}

void WaitingConversations::give_back(const Entry& entry) {
  known_[entry.conversation] = entry.number;
  waiting_.push_front(entry);
}

void WaitingConversations::clear() {
  waiting_.clear();
  known_.clear();
  overflown_ = false;
}

Position WaitingConversations::complete_upto(Position all) {
  drop_void();
  if (waiting_.empty()) return all;
  return waiting_.front().number <= held_upto_ ? 0 : waiting_.front().before;
}

// In front: no entry that counts is behind more than these.
void WaitingConversations::drop_void() {
  while (!waiting_.empty()) {
    const auto live = known_.find(waiting_.front().conversation);
    if (live != known_.end() && live->second == waiting_.front().number) return;
    waiting_.pop_front();
  }
}

}  // namespace kith::server
