// RunHistory: the runs of the server that have written this history, and whether a device's history is a part of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/server/ports/feed_store.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// From one start to the next.
struct Run {
  std::string id;  // 16 random bytes
  Position first =
      1;  // the first record that it may have written; of all logs together, if there are several
  std::int64_t kept_until_ms = 0;  // server time of the last record before it; 0 = there was none
  bool copied = false;  // it began on a copy: the history before it may have gone on elsewhere
};

class RunHistory {
 public:
  // More are forgotten, oldest first: a device that was away for that many starts begins anew.
  static constexpr std::size_t kRunsMax = 1'000;

  // Never empty: the last one is the run of this process.
  explicit RunHistory(std::vector<Run> runs) : runs_(std::move(runs)) {}

  [[nodiscard]] const std::vector<Run>& runs() const { return runs_; }
  [[nodiscard]] const std::string& current() const { return runs_.back().id; }

  struct Verdict {
    bool ours = true;
    std::int64_t kept_until_ms =
        0;  // if not: up to when the device's history is ours too; 0 = unknown
  };
  // `run`: the one that a device has heard of last, empty: none; `cursor`: up to where it has synced then. A device
  // may hold events beyond its cursor, so where a run went on elsewhere the cursor proves nothing.
  [[nodiscard]] Verdict judge(std::string_view run, FeedVersion cursor) const;

 private:
  std::vector<Run> runs_;
};

}  // namespace kith::server
