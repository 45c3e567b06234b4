// JoinedMaps: the maps of several disks, read one after the other as if they were one.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace kith::sim {

template <class Map>
class JoinedMaps {
 public:
  class Iterator {
   public:
    Iterator(const std::vector<const Map*>& maps, std::size_t map) : maps_(maps), map_(map) {
      if (map_ < maps_.size()) at_ = maps_[map_]->begin();
      settle();
    }
    const typename Map::value_type& operator*() const { return *at_; }
    Iterator& operator++() {
      ++at_;
      settle();
      return *this;
    }
    bool operator!=(const Iterator& other) const {
      return map_ != other.map_ || (map_ < maps_.size() && at_ != other.at_);
    }

   private:
    // Goes on to the next map where this one ends.
    void settle() {
      while (map_ < maps_.size() && at_ == maps_[map_]->end()) {
        if (++map_ < maps_.size()) at_ = maps_[map_]->begin();
      }
    }
    const std::vector<const Map*>& maps_;
    std::size_t map_;
    typename Map::const_iterator at_{};
  };

  explicit JoinedMaps(std::vector<const Map*> maps) : maps_(std::move(maps)) {}
  [[nodiscard]] Iterator begin() const { return Iterator(maps_, 0); }
  [[nodiscard]] Iterator end() const { return Iterator(maps_, maps_.size()); }

 private:
  std::vector<const Map*> maps_;
};

}  // namespace kith::sim
