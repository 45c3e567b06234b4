// Compares a device with the file.
#pragma once

#include <cstddef>

#include "lines.h"

namespace replay {

inline constexpr std::size_t kRowFields = 4;  // ID SENDER REPLY_SEQ TEXT

struct Verdict {
  std::size_t deliveries = 0;  // messages found on devices
  std::size_t lost = 0;
  std::size_t duplicated = 0;
  std::size_t out_of_order = 0;
  std::size_t wrong = 0;  // author, text or reply differ, or nobody sent it
  std::size_t devices = 0;
  std::size_t searches = 0;
  std::size_t searches_wrong = 0;  // found more or fewer lines than have the word
};

// Compares the rows of one device with those expected; adds to `verdict`.
void compare(const Fields& expected, const Fields& rows, Verdict& verdict);

}  // namespace replay
