// ClientHello: the number of bytes that must have arrived before a TLS handshake is worth beginning. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kith::server {

// Returns the size of the whole first record of a ClientHello, from the first bytes of a connection.
// Returns nothing if these begin none, or one larger than limits::client_hello_bytes_max.
std::optional<std::size_t> client_hello_needs(std::string_view bytes);

}  // namespace kith::server
