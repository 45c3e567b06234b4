// The mark in each message of the load generator: its sender, its number, and the time when it was
// meant to be sent. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kith::bench {

struct Mark {
  std::uint64_t run = 0;     // random: tells messages of other runs apart
  std::uint32_t sender = 0;  // counts the senders of the run
  std::uint64_t n = 0;       // 1, 2, 3 … of that sender
  std::int64_t intended = 0;
  friend bool operator==(const Mark&, const Mark&) = default;
};

// A serialized Content with `text` and the mark.
std::string mark_content(const Mark& mark, const std::string& text);
// Nothing if the content is not of this kind.
std::optional<Mark> read_mark(std::string_view content);

}  // namespace kith::bench
