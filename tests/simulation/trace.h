// Trace: the events of a run, line by line: its tail for people, its hash for the proof that a seed
// replays exactly.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "tests/simulation/virtual_time.h"

namespace kith::sim {

class Trace {
 public:
  explicit Trace(const VirtualTime& time) : time_(time) {}

  void line(const std::string& who, const std::string& what);
  // Each line is also given to `print` as it comes.
  void print_to(std::function<void(const std::string&)> print) { print_ = std::move(print); }

  [[nodiscard]] const std::deque<std::string>& tail() const { return tail_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }

 private:
  static constexpr std::size_t kTail = 120;
  const VirtualTime& time_;
  std::deque<std::string> tail_;
  std::function<void(const std::string&)> print_;
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
  std::uint64_t lines_ = 0;
};

}  // namespace kith::sim
