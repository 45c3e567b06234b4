// PushLane: pushes of one class in their order. An empty lane owns no memory worth naming, because
// a server has five of them for every idle connection (a std::deque takes 600 bytes before its
// first element).
#pragma once

#include <cstddef>
#include <vector>

#include "server/delivery/push.h"

namespace kith::server {

class PushLane {
 public:
  using Iterator = std::vector<Push>::iterator;

  [[nodiscard]] bool empty() const { return first_ == pushes_.size(); }
  [[nodiscard]] std::size_t size() const { return pushes_.size() - first_; }
  Push& front() { return pushes_[first_]; }
  // Oldest first.
  Iterator begin() { return pushes_.begin() + static_cast<std::ptrdiff_t>(first_); }
  Iterator end() { return pushes_.end(); }

  void push_back(const Push& push) { pushes_.push_back(push); }
  void pop_front() {
    pushes_[first_++].frame.reset();
    if (empty()) {
      clear();
    } else if (first_ >= kKept && first_ * 2 >= pushes_.size()) {
      pushes_.erase(pushes_.begin(), begin());  // each element is moved once for each that left
      first_ = 0;
    }
  }
  void clear() {
    if (pushes_.capacity() > kKept) {
      std::vector<Push>().swap(pushes_);
    } else {
      pushes_.clear();
    }
    first_ = 0;
  }

 private:
  static constexpr std::size_t kKept = 4;  // places that an empty lane may keep

  std::vector<Push> pushes_;
  std::size_t first_ = 0;  // elements before it have left
};

}  // namespace kith::server
