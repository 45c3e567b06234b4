// FairQueue is what waits for a scarce place, by whose turn it takes: turns come round, each holds a few, and when all
// are taken the one with the most gives up its newest. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace kith::server {

template <class T>
class FairQueue {
 public:
  FairQueue(std::size_t max, std::size_t of_one_max) : max_(max), of_one_max_(of_one_max) {}

  // What has no place: nothing, `item` itself, or the newest of who has the most.
  std::optional<T> push(std::uint64_t turn, T item) {
    const auto known = lines_.find(turn);
    const std::size_t waiting = known == lines_.end() ? 0 : known->second->items.size();
    if (waiting >= of_one_max_) return item;
    std::optional<T> out;
    if (size_ >= max_) {
      const auto longest = std::max_element(
          round_.begin(), round_.end(),
          [](const Line& a, const Line& b) { return a.items.size() < b.items.size(); });
      if (longest == round_.end() || longest->items.size() <= waiting + 1) return item;
      out = std::move(longest->items.back());
      longest->items.pop_back();
      --size_;
    }
    if (known == lines_.end()) {
      round_.push_back({turn, {}});
      lines_.emplace(turn, std::prev(round_.end()));
      round_.back().items.push_back(std::move(item));
    } else {
      known->second->items.push_back(std::move(item));
    }
    ++size_;
    return out;
  }
  struct Next {
    std::uint64_t turn = 0;
    T item;
  };
  // The next of who is at turn, passing over those that `may` says no to.
  template <class May>
  std::optional<Next> pop(May may) {
    const auto line =
        std::find_if(round_.begin(), round_.end(), [&](const Line& one) { return may(one.turn); });
    if (line == round_.end()) return std::nullopt;
    std::optional<Next> next(Next{line->turn, std::move(line->items.front())});
    line->items.pop_front();
    --size_;
    if (line->items.empty()) {
      lines_.erase(line->turn);
      round_.erase(line);
    } else {
      round_.splice(round_.end(), round_, line);
    }
    return next;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Line {
    std::uint64_t turn = 0;
    std::deque<T> items;  // never empty
  };

  std::size_t max_;
  std::size_t of_one_max_;
  std::size_t size_ = 0;
  std::list<Line> round_;  // as their turns come
  std::unordered_map<std::uint64_t, typename std::list<Line>::iterator> lines_;
};

}  // namespace kith::server
