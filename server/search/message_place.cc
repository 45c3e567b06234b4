// The place of a message in the order of all messages.
#include "server/search/message_place.h"

#include <algorithm>

#include "kith/server/ports/search_index.h"
#include "src/split_mix.h"

namespace kith::server {

namespace {

// A place has 63 bits: enough until the year 2248.
constexpr std::int64_t kMillisMax = (std::int64_t{1} << (63 - index_place_bits)) - 2;

// The same on every machine: it stands in the index.
std::uint64_t hash(const ConversationId& id) {
  std::uint64_t bits = 0;
  for (const char byte : id.view()) {
    bits = bits * 0x100000001b3 ^ static_cast<unsigned char>(byte);  // FNV
  }
  return SplitMix(bits).next();
}

}  // namespace

std::uint64_t message_place(const Event& event) {
  constexpr std::uint64_t kLow = (std::uint64_t{1} << index_place_bits) - 1;
  const std::int64_t ms = std::clamp<std::int64_t>(event.server_ts_ms, 1, kMillisMax);
  return static_cast<std::uint64_t>(ms) << index_place_bits |
         ((hash(event.conversation) + event.seq) & kLow);
}

bool may_stand_at(const Event& event, std::uint64_t place) {
  return place - message_place(event) <= index_moves_max;
}

}  // namespace kith::server
