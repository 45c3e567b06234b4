// The verdict over a run with kills: compares the promises with every device. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "examples/replay/lines.h"

namespace killing {

struct Row {
  std::string conversation;
  std::uint64_t seq = 0;
  std::string id;
  std::string text;
};

// The messages that one device holds in the end, in its own order; `rooms` are the conversations
// that it is a member of.
struct Device {
  std::string name;
  std::vector<std::string> rooms;
  std::vector<Row> rows;
};

struct Verdict {
  std::size_t messages = 0;  // different ones in all histories
  std::size_t accepted = 0;  // send() returned an id to the application
  std::size_t acked = 0;     // the application saw SENT
  std::size_t lost = 0;      // promised and not on some device
  std::size_t duplicated = 0;
  std::size_t disordered =
      0;  // another order or another place than elsewhere, than reported, or than sent
  std::size_t invented = 0;  // nobody wrote it
  std::vector<std::string> sentences;

  [[nodiscard]] bool good() const {
    return lost + duplicated + disordered + invented == 0 && sentences.empty();
  }
};

// `journals`: the lines of each device's journal, in their order (kill_journal.h).
Verdict judge(const std::vector<Device>& devices,
              const std::vector<std::vector<replay::Fields>>& journals);

}  // namespace killing
