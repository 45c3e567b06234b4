// FairQueue orders requests for a scarce place by turns: addresses take turns, and within one address its accounts do.
// Each holds a few places; when all are taken, the address with the most gives up the newest request of its account
// with the most. An address takes one turn, however many accounts it has. Pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <optional>
#include <utility>

#include "server/auth/password_hasher.h"

namespace kith::server {

template <class T>
class FairQueue {
 public:
  FairQueue(std::size_t max, std::size_t of_one_max) : max_(max), of_one_max_(of_one_max) {}

  // Returns the request without a place: none, `item` itself, or another that gives way to it.
  std::optional<T> push(const Turn& turn, T item) {
    const auto own = address(turn.address);
    const std::size_t of_address = own == round_.end() ? 0 : own->size;
    const std::size_t waiting = own == round_.end() ? 0 : own->waiting(turn.one);
    if (waiting >= of_one_max_) return item;
    std::optional<T> out;
    if (size_ >= max_) {
      const auto most =
          std::max_element(round_.begin(), round_.end(),
                           [](const Address& a, const Address& b) { return a.size < b.size; });
      const bool others = most != round_.end() && most->size > of_address + 1;
      const auto from = others ? most : own;
      if (from == round_.end()) return item;
      const auto longest = std::max_element(
          from->lines.begin(), from->lines.end(),
          [](const Line& a, const Line& b) { return a.items.size() < b.items.size(); });
      if (!others && longest->items.size() <= waiting + 1) return item;
      out = std::move(longest->items.back());
      longest->items.pop_back();
      took_one(from, longest);
    }
    add(turn, std::move(item));
    return out;
  }
  struct Next {
    Turn turn;
    T item;
  };
  // Returns the next request of the address at turn, skipping those that `may` rejects.
  template <class May>
  std::optional<Next> pop(May may) {
    const auto of =
        std::find_if(round_.begin(), round_.end(), [&](const Address& one) { return may(one.id); });
    if (of == round_.end()) return std::nullopt;
    const auto line = of->lines.begin();
    std::optional<Next> next(Next{{of->id, line->one}, std::move(line->items.front())});
    line->items.pop_front();
    of->lines.splice(of->lines.end(), of->lines, line);
    round_.splice(round_.end(), round_, of);
    took_one(of, line);
    return next;
  }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Line {
    std::uint64_t one = 0;
    std::deque<T> items;  // never empty
  };
  struct Address {
    std::uint64_t id = 0;
    std::size_t size = 0;   // of all lines
    std::list<Line> lines;  // as their turns come; never empty

    [[nodiscard]] std::size_t waiting(std::uint64_t one) const {
      const auto line = std::find_if(lines.begin(), lines.end(),
                                     [&](const Line& known) { return known.one == one; });
      return line == lines.end() ? 0 : line->items.size();
    }
  };
  using Place = typename std::list<Address>::iterator;

  Place address(std::uint64_t id) {
    return std::find_if(round_.begin(), round_.end(),
                        [&](const Address& known) { return known.id == id; });
  }
  void add(const Turn& turn, T item) {
    auto own = address(turn.address);
    if (own == round_.end()) own = round_.insert(round_.end(), Address{turn.address, 0, {}});
    auto line = std::find_if(own->lines.begin(), own->lines.end(),
                             [&](const Line& known) { return known.one == turn.one; });
    if (line == own->lines.end()) line = own->lines.insert(own->lines.end(), Line{turn.one, {}});
    line->items.push_back(std::move(item));
    ++own->size;
    ++size_;
  }
  void took_one(Place from, typename std::list<Line>::iterator line) {
    --size_;
    --from->size;
    if (line->items.empty()) from->lines.erase(line);
    if (from->lines.empty()) round_.erase(from);
  }

  std::size_t max_;  // a few dozen: looking through all of them costs less than keeping them sorted
  std::size_t of_one_max_;
  std::size_t size_ = 0;
  std::list<Address> round_;  // as their turns come
};

}  // namespace kith::server
