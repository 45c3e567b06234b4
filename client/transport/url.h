// The address of a Kith server, taken apart.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::client {

struct ServerUrl {
  bool tls = false;
  std::string host;  // name or IP address, without brackets
  std::uint16_t port = 0;
  std::string path;

  // As in a Host header: brackets around IPv6, the port always.
  [[nodiscard]] std::string authority() const;
};

// ws:// or wss://, host, optional port, optional path. kInvalidArgument otherwise.
Result<ServerUrl> parse_server_url(std::string_view url);

}  // namespace kith::client
