// partition_of: which of several partitions a conversation or a user's own marks belong to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "kith/core/ids.h"
#include "src/split_mix.h"

namespace kith::server {

// The function is part of the layout of a data directory: it never changes.
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
  return static_cast<std::uint32_t>(SplitMix(folded).next() % partitions);
}

}  // namespace kith::server
