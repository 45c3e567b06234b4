// Where a command was placed is found by a number made of its ids.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "kith/core/ids.h"

namespace kith::server {

// At most this many commands with the same number follow each other. A sender who makes more does not
// find those behind them again, which harms only that sender; and a look-up reads no more rows than
// these.
inline constexpr std::int64_t kSamePlaceMax = 8;

// The time in the message id (version 7: milliseconds in its first 48 bits, of which 42 last until the
// year 2109), then 21 bits that tell ids of the same millisecond apart: what is new has the highest
// numbers, however many conversations it belongs to. Several commands may have the same number. Part of
// the file format.
inline std::int64_t place_key(const ConversationId& conversation, const UserId& sender,
                              const MessageId& message) {
  const auto half = [](const auto& id, std::size_t which) {
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < 8; ++i) number = number << 8 | id.array()[8 * which + i];
    return number;
  };
  constexpr int kTailBits = 21;
  const std::uint64_t time = half(message, 0) >> 16 << (1 + kTailBits) >> 1;
  std::uint64_t tail = half(message, 1) ^ half(message, 0) << 48;
  for (const std::uint64_t more : {half(conversation, 1), half(sender, 1)}) {
    tail = (tail ^ more) * 0x9e37'79b9'7f4a'7c15;
    tail ^= tail >> 32;
  }
  return std::min(static_cast<std::int64_t>(time | tail >> (64 - kTailBits)),
                  std::numeric_limits<std::int64_t>::max() - kSamePlaceMax);
}

}  // namespace kith::server
