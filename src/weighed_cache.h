// WeighedCache: values by id, bounded in number and in weight. Beyond a bound it evicts the least recently used ones.
#pragma once

#include <cstddef>
#include <list>
#include <utility>

#include "src/id_map.h"

namespace kith::server {

struct CacheBounds {
  std::size_t count = 0;
  std::size_t bytes = 0;
};

// Values are small and cheap to copy, such as a shared_ptr to the weighed object. Returned pointers are valid until
// the next call that changes the cache.
template <class Id, class Value>
class WeighedCache {
 public:
  using Weigh = std::size_t (*)(const Value&);

  WeighedCache(CacheBounds bounds, Weigh weigh) : bounds_(bounds), weigh_(weigh) {}

  // Returns the value, which is now the most recently used one; null if there is none.
  const Value* find(const Id& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return nullptr;
    order_.splice(order_.begin(), order_, found->second.place);
    return &found->second.value;
  }
  // The same without counting as a use.
  [[nodiscard]] const Value* peek(const Id& id) const {
    const auto found = entries_.find(id);
    return found == entries_.end() ? nullptr : &found->second.value;
  }
  // Stores the value and evicts others if necessary; it stays itself, however heavy it is.
  void put(const Id& id, Value value) {
    erase(id);
    order_.push_front(id);
    const std::size_t bytes = weigh_(value);
    bytes_ += bytes;
    entries_.try_emplace(id, Entry{std::move(value), bytes, order_.begin()});
    while ((entries_.size() > bounds_.count || bytes_ > bounds_.bytes) && entries_.size() > 1) {
      const Id last = order_.back();
      erase(last);
    }
  }
  void erase(const Id& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    bytes_ -= found->second.bytes;
    order_.erase(found->second.place);
    entries_.erase(found);
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Value value;
    std::size_t bytes = 0;
    typename std::list<Id>::iterator place;
  };

  const CacheBounds bounds_;
  const Weigh weigh_;
  IdMap<Id, Entry> entries_;
  std::list<Id> order_;  // used last first
  std::size_t bytes_ = 0;
};

}  // namespace kith::server
