// RelayedSocket names a socket of a relay, for the relay and for the homes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kith::server {

struct RelayedSocket {
  std::uint32_t place = 0;       // in the relay's table: homes have one of the same form
  std::uint32_t generation = 0;  // never 0; another connection in the same place has another
  friend bool operator==(const RelayedSocket&, const RelayedSocket&) = default;
};

// The kernel has taken `bytes` more of what the home has sent.
struct TakenBytes {
  RelayedSocket socket;
  std::size_t bytes = 0;
};

}  // namespace kith::server
