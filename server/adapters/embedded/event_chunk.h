// Events of one conversation that follow each other, as the bytes of one row: kith.v1.EventChunk
// (cluster.proto).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/server/ports/records.h"

namespace kith::server {

class EventChunk {
 public:
  // It goes on no further: a reader who wants one event reads all of them.
  static constexpr std::size_t kEventsMax = 64;
  static constexpr std::size_t kBytesMax = 32 * 1024;

  // `event` follows those that were added before.
  void add(const Event& event);
  [[nodiscard]] bool empty() const { return events_ == 0; }
  [[nodiscard]] bool full() const { return events_ >= kEventsMax || bytes_.size() >= kBytesMax; }
  [[nodiscard]] std::uint64_t first_seq() const { return first_seq_; }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  // Keeps its memory.
  void clear() {
    bytes_.clear();
    events_ = 0;
  }

 private:
  std::string bytes_;
  std::size_t events_ = 0;
  std::uint64_t first_seq_ = 0;
};

// The events of a row, in their order; nothing if it is none.
std::optional<std::vector<Event>> events_of(const ConversationId& conversation,
                                            std::string_view bytes);

}  // namespace kith::server
