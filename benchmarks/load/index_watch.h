// IndexWatch: watches the server's search index under load, because messages do not show its faults.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::bench {

// Returns the value of a metric without labels in Prometheus' text form; nothing if it is missing.
std::optional<double> metric_of(std::string_view text, std::string_view name);

class IndexWatch {
 public:
  // `pid`: the server's process, 0 = not known. `metrics`: host:port of its listener for metrics; empty = not
  // known. Fails if the metrics cannot be read.
  static Result<IndexWatch> begin(int pid, const std::string& metrics);

  // Since begin(): batches that failed, and times that the index was set aside or begun anew; 0 = no fault is
  // known.
  [[nodiscard]] Result<double> faults() const;

 private:
  // State of the index file.
  std::string file_;
  ino_t inode_ = 0;
  std::string metrics_;
  double failed_before_ = 0;
};

}  // namespace kith::bench
