// Ledger: the replay's record of its messages under way: when each was sent, placed and received.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "lines.h"

namespace replay {

// Any thread.
class Ledger {
 public:
  // A line that a client process printed on its own: sent, got or failed.
  void told(const Fields& fields);
  // The message was handed to the client at `at_us`.
  void posted(const std::string& id, std::int64_t at_us);
  // Its place, once it is known; waits at most `limit`.
  std::optional<std::string> wait_placed(const std::string& id, std::chrono::milliseconds limit);
  void line_done();
  [[nodiscard]] std::size_t lines_done();
  // A sentence for the log at the end; only the first few are kept.
  void complain(const std::string& sentence);
  std::vector<std::string> complaints();

  // Milliseconds, sorted.
  std::vector<double> sent_ms();
  std::vector<double> received_ms();

 private:
  struct Entry {
    std::int64_t posted = 0;
    std::int64_t placed = 0;
    std::string seq;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Entry> entries_;
  std::vector<std::pair<std::string, std::int64_t>> early_;  // received before posted() was called
  std::vector<float> received_;
  std::vector<std::string> complaints_;
  std::size_t done_ = 0;
};

}  // namespace replay
