// A bound and listening TCP socket on one address, for the listeners.
#pragma once

#include <cstdint>
#include <string>

#include "kith/core/result.h"

namespace kith::server {

// Non-blocking. `address`: IPv4 or IPv6, the latter also in brackets. `port` 0 takes a free one. `shared`: other
// sockets that ask for it too may listen on the same port (SO_REUSEPORT). Fails with kAddressInUse, kIo,
// kInvalidArgument (no IP address).
Result<int> open_listening_socket(const std::string& address, std::uint16_t port, bool shared);
// The port that a socket is bound to; 0 if it is none.
std::uint16_t port_of(int fd);

}  // namespace kith::server
