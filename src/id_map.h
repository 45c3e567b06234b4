// IdMap: a table of values by id, in one block of memory, so that a look-up touches one place of it. Adding and
// removing move the other values: keep no reference or iterator across either.
#pragma once

#include <tsl/robin_map.h>

#include <cstddef>
#include <cstdint>

#include "kith/core/ids.h"

namespace kith::server {

// The table takes the place from the low bits alone, and some of them are fixed in an id of version 7.
struct SpreadIdHash {
  template <class T>
  std::size_t operator()(const T& id) const noexcept {
    std::uint64_t spread = IdHash{}(id);
    spread *= 0x9E37'79B9'7F4A'7C15U;
    return static_cast<std::size_t>(spread ^ (spread >> 32));
  }
};

// For small values: each free place has room for one.
template <class Id, class Value>
using IdMap = tsl::robin_map<Id, Value, SpreadIdHash>;

}  // namespace kith::server
