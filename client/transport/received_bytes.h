// How much a TCP peer has sent so far, as the kernel counts it.
#pragma once

#include <cstdint>

namespace kith::client {

// 0 if the system cannot tell.
std::uint64_t received_bytes(int socket);

}  // namespace kith::client
