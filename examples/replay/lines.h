// Lines of tab-separated fields: how the replay talks to its client processes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace replay {

using Fields = std::vector<std::string>;

// One line with its end; tabs, line ends and backslashes in fields are escaped.
std::string join(const Fields& fields);
Fields split(std::string_view line);

// Fingerprint of a sequence of rows (FNV-1a); equal for equal rows in the same order.
class Fingerprint {
 public:
  void add(std::string_view bytes);
  [[nodiscard]] std::string text() const;

 private:
  std::uint64_t state_ = 1469598103934665603ULL;
};

// Monotonic microseconds, the same clock in all processes of this machine.
std::int64_t now_us();

}  // namespace replay
