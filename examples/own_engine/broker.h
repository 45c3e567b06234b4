// Broker stands for the engine of your own: it keeps bytes in their order, takes its time on another
// thread, and outlives the servers that use it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace own_engine {

// Records of one partition in their order. Threads: any.
class Topic {
 public:
  // All of them or none. Answers the position of the first; 0: they do not fit.
  std::uint64_t append(const std::vector<std::string>& records) {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = bytes_;
    for (const std::string& record : records) bytes += record.size();
    if (bytes > room_) return 0;
    bytes_ = bytes;
    kept_.insert(kept_.end(), records.begin(), records.end());
    return gone_ + kept_.size() - records.size() + 1;
  }
  std::vector<std::pair<std::uint64_t, std::string>> read(std::uint64_t after, std::size_t limit) {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::uint64_t, std::string>> found;
    for (std::uint64_t at = std::max(after, gone_); at < gone_ + kept_.size(); ++at) {
      if (found.size() == limit) break;
      found.emplace_back(at + 1, kept_[at - gone_]);
    }
    return found;
  }
  std::uint64_t last() {
    const std::lock_guard lock(mutex_);
    return gone_ + kept_.size();
  }
  void forget(std::uint64_t upto) {
    const std::lock_guard lock(mutex_);
    while (gone_ < upto && !kept_.empty()) {
      bytes_ -= kept_.front().size();
      kept_.pop_front();
      ++gone_;
    }
  }
  void set_room(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    room_ = bytes;
  }

 private:
  std::mutex mutex_;
  std::deque<std::string> kept_;
  std::uint64_t gone_ = 0;  // as many are forgotten
  std::size_t bytes_ = 0;
  std::size_t room_ = SIZE_MAX;
};

// Threads: any.
class Broker {
 public:
  Topic& topic(std::uint32_t partition) {
    const std::lock_guard lock(mutex_);
    return topics_[partition];
  }

 private:
  std::mutex mutex_;
  std::map<std::uint32_t, Topic> topics_;
};

}  // namespace own_engine
