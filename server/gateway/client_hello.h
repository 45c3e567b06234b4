// ClientHello: how many bytes of a connection must be there before a TLS handshake is worth beginning. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kith::server {

// Of the bytes that a connection begins with: how many are needed for the whole first record of a
// ClientHello. Nothing if they begin none, or one that is larger than limits::client_hello_bytes_max.
std::optional<std::size_t> client_hello_needs(std::string_view bytes);

}  // namespace kith::server
