// Home: which of several processes decides everything about a user. The homes of a server divide its users among
// themselves; a server of one process is the home of all.
#pragma once

#include <cstdint>

#include "kith/core/ids.h"
#include "server/records/partition.h"

namespace kith::server {

struct Home {
  std::uint32_t number = 0;
  std::uint32_t count = 1;  // of all homes; never changes

  // The number of the user's home.
  [[nodiscard]] std::uint32_t of(const UserId& user) const { return partition_of(user, count); }
  [[nodiscard]] bool has(const UserId& user) const { return of(user) == number; }
};

}  // namespace kith::server
