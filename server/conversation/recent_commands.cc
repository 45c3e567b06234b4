// Two bits for each command.
#include "server/conversation/recent_commands.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace kith::server {
namespace {

constexpr std::size_t kWordBits = 64;

// Every bit of the result depends on every bit of `x` (the finalizer of SplitMix64).
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58'476d'1ce4'e5b9;
  x = (x ^ x >> 27) * 0x94d0'49bb'1331'11eb;
  return x ^ x >> 31;
}

// Somebody who chooses ids that collide makes their own commands look like repetitions.
std::uint64_t hash_of(const ConversationId& conversation, const UserId& sender,
                      const MessageId& command) {
  const IdHash hash;
  // Both halves: nothing says that a client's ids differ in the second one.
  std::uint64_t first_half = 0;
  std::memcpy(&first_half, command.array().data(), sizeof first_half);
  std::uint64_t mixed = mix(hash(conversation)) + hash(sender);
  mixed = mix(mixed) + hash(command);
  return mix(mix(mixed) + first_half);
}

}  // namespace

bool RecentCommands::note(const ConversationId& conversation, const UserId& sender,
                          const MessageId& command) {
  const std::uint64_t hash = hash_of(conversation, sender, command);
  const Bits bits{hash % kBits, (hash >> 32) % kBits};
  const bool known = has(newer_, bits) || has(older_, bits);
  if (newer_.size == limits::recent_commands) {
    std::swap(newer_, older_);
    std::fill(newer_.words.begin(), newer_.words.end(), 0);
    newer_.size = 0;
  }
  add(newer_, bits);
  return known;
}

bool RecentCommands::has(const Set& set, const Bits& bits) {
  if (set.size == 0) return false;
  const auto is_set = [&](std::size_t bit) {
    return (set.words[bit / kWordBits] >> (bit % kWordBits) & 1) != 0;
  };
  return is_set(bits.first) && is_set(bits.second);
}

void RecentCommands::add(Set& set, const Bits& bits) {
  if (set.words.empty()) set.words.resize(kBits / kWordBits);
  for (const std::size_t bit : {bits.first, bits.second}) {
    set.words[bit / kWordBits] |= std::uint64_t{1} << (bit % kWordBits);
  }
  ++set.size;
}

}  // namespace kith::server
