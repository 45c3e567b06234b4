// partition_of: which of several partitions a conversation or a user's own marks belong to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kith/core/ids.h"

namespace kith::server {

// The function is part of the layout of a data directory: it never changes. The mixing is that of SplitMix64.
template <class IdType>
std::uint32_t partition_of(const IdType& id, std::uint32_t partitions) {
  if (partitions == 1) return 0;
  static_assert(IdType::kSize == 16);
  const std::string_view bytes = id.view();
  std::uint64_t folded = 0;  // both halves, each with its lowest byte first
  for (std::size_t i = 8; i-- > 0;) {
    const auto byte = static_cast<unsigned char>(bytes[i] ^ bytes[i + 8]);
    folded = folded << 8 | byte;
  }
  std::uint64_t mixed = folded + 0x9E37'79B9'7F4A'7C15U;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D0'49BB'1331'11EBU;
  mixed ^= mixed >> 31;
  return static_cast<std::uint32_t>(mixed % partitions);
}

}  // namespace kith::server
