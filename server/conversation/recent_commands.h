// RecentCommands: tells which commands may have been appended lately.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/limits.h"

namespace kith::server {

// Never takes one of the last limits::recent_commands for a new one, and few new ones for known: doubt costs a look
// at the store, and never a duplicate. Two sets of bits, of which the older one is cleared when the newer one is full.
class RecentCommands {
 public:
  // Notes the command; returns whether it may have been noted before.
  bool note(const ConversationId& conversation, const UserId& sender, const MessageId& command);

 private:
  static constexpr std::size_t kBits = std::size_t{32} * limits::recent_commands;
  struct Set {
    std::vector<std::uint64_t> words;  // empty until the first is noted
    std::size_t size = 0;
  };
  // Which two bits of a set stand for a command.
  struct Bits {
    std::size_t first;
    std::size_t second;
  };
  static bool has(const Set& set, const Bits& bits);
  static void add(Set& set, const Bits& bits);

  Set newer_;
  Set older_;
};

}  // namespace kith::server
