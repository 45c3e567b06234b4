// The resources that a process has used so far, from /proc.
#pragma once

#include <cstdint>
#include <optional>

namespace kith::bench {

struct ProcessUse {
  std::uint64_t rss_bytes = 0;
  double cpu_s = 0;
};

// Nothing if there is no such process. 0 = this one.
std::optional<ProcessUse> process_use(int pid);

}  // namespace kith::bench
