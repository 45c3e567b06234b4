// HandMarks: with ClientOptions::acknowledge_by_hand, how far the application has dealt with what
// others wrote. A mark is there only where it has not dealt with all; it is committed with the
// events that it stands for, so that a crash forgets none.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>

#include "client/cache_store.h"

namespace kith::client {

class HandMarks {
 public:
  // Without `by_hand` marks of an earlier run count as dealt with; they go with `change`.
  void load(bool by_hand, const std::map<std::string, std::string>& kv, CacheChange* change) {
    by_hand_ = by_hand;
    for (const auto& [key, value] : kv) {
      if (!key.starts_with(kPrefix) || value.empty()) continue;
      const auto id = ConversationId::parse(std::string_view(key).substr(kPrefix.size()));
      std::uint64_t seq = 0;
      std::from_chars(value.data(), value.data() + value.size(), seq);
      if (by_hand && id) {
        marks_[ConversationId(*id)] = {seq, std::numeric_limits<std::uint64_t>::max()};
      } else {
        change->kv[key] = "";
      }
    }
  }

  // Events of others from `lowest` on are about to be committed with `change`; kept() when they are.
  void note(const ConversationId& id, std::uint64_t lowest, CacheChange* change) const {
    const auto it = marks_.find(id);
    if (!by_hand_ || (it != marks_.end() && lowest > it->second.upto)) return;
    change->kv[key(id)] = std::to_string(lowest - 1);
  }
  void kept(const ConversationId& id, std::uint64_t lowest, std::uint64_t highest) {
    if (!by_hand_) return;
    Mark& mark = marks_.try_emplace(id, Mark{lowest - 1, highest}).first->second;
    mark.upto = std::min(mark.upto, lowest - 1);
    mark.highest = std::max(mark.highest, highest);
  }

  // Dealt with up to `seq`; what is to be committed goes into `change`.
  // `top` is the newest that this device holds.
  void raise(const ConversationId& id, std::uint64_t seq, std::uint64_t top, CacheChange* change) {
    const auto it = marks_.find(id);
    if (it == marks_.end() || seq <= it->second.upto) return;
    const bool all = seq >= std::min(it->second.highest, top);
    change->kv[key(id)] = all ? "" : std::to_string(seq);
    if (all) {
      marks_.erase(it);
    } else {
      it->second.upto = seq;
    }
  }
  void clear(CacheChange* change) {
    for (const auto& [id, mark] : marks_) change->kv[key(id)] = "";
    marks_.clear();
  }

  // The seq up to which events may be acknowledged.
  [[nodiscard]] std::uint64_t upto(const ConversationId& id) const {
    const auto it = marks_.find(id);
    return it == marks_.end() ? std::numeric_limits<std::uint64_t>::max() : it->second.upto;
  }
  struct Mark {
    std::uint64_t upto = 0;
    std::uint64_t highest = 0;  // of what is to be dealt with
  };
  [[nodiscard]] const std::map<ConversationId, Mark>& all() const { return marks_; }

 private:
  static constexpr std::string_view kPrefix = "hand:";
  static std::string key(const ConversationId& id) { return std::string(kPrefix) + id.to_string(); }

  bool by_hand_ = false;
  std::map<ConversationId, Mark> marks_;
};

}  // namespace kith::client
