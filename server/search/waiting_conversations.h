// WaitingConversations: the conversations of a partition that wait to be indexed, first come, first served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

#include "kith/server/ports/records.h"

namespace kith::server {

class WaitingConversations {
 public:
  struct Entry {
    ConversationId conversation;
    Position before = 0;       // everything up to here was on the list before it
    std::uint64_t number = 0;  // ascends along the list
  };

  // `max`: one that does not fit is lost, see overflown().
  explicit WaitingConversations(std::size_t max) : max_(max) {}

  // Changes nothing if the conversation waits already.
  void add(const ConversationId& id, Position before);
  // The first ones, off the list: an add() from here on puts them on it once more.
  std::vector<Entry> take(std::size_t count);
  // Puts it in front. If it was added meanwhile, that entry is void: one step must not read a conversation
  // twice from the same mark.
  void give_back(const Entry& entry);
  void clear();

  [[nodiscard]] std::size_t max() const { return max_; }
  [[nodiscard]] bool empty() const { return waiting_.empty(); }
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }
  [[nodiscard]] std::size_t conversations() const { return known_.size(); }
  [[nodiscard]] bool fits(std::size_t more) const { return waiting_.size() + more <= max_; }
  [[nodiscard]] bool half_empty() const { return waiting_.size() < max_ / 2; }
  // A conversation did not fit.
  [[nodiscard]] bool overflown() const { return overflown_; }
  void forgive_overflow() { overflown_ = false; }

  // Until those that wait now are done, nothing is complete.
  void hold() { held_upto_ = last_number_; }
  // Returns the position up to which nothing waits: `all` of an empty list, 0 while some are held.
  [[nodiscard]] Position complete_upto(Position all);

 private:
  void drop_void();

  const std::size_t max_;
  std::deque<Entry> waiting_;
  // The one entry of each conversation that counts; others are void.
  std::unordered_map<ConversationId, std::uint64_t, IdHash> known_;
  std::uint64_t last_number_ = 0;
  std::uint64_t held_upto_ = 0;
  bool overflown_ = false;
};

}  // namespace kith::server
