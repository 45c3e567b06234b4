// ProxyHeader reads what a proxy in front says of the connection that it passes on: a PROXY header,
// version 1 or 2, before everything else, or X-Forwarded-For in the request. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/gateway/peer_address.h"

namespace kith::server {

struct ProxyHeader {
  enum class Kind {
    kIncomplete,  // `size` bytes in all are needed to go on
    kRead,        // `size` bytes are the header; what follows is the client's
    kNone,        // these bytes begin no PROXY header
  };
  Kind kind = Kind::kIncomplete;
  std::size_t size = 0;
  // Of the client; nothing if the proxy speaks for itself (LOCAL, UNKNOWN), as its health checks do.
  std::optional<PeerAddress> client;
};

// The longest header that is read: addresses and some extensions of version 2.
inline constexpr std::size_t kProxyHeaderMax = 1'024;

ProxyHeader read_proxy_header(std::string_view bytes);

// The client behind one or more trusted proxies: of all addresses that were added, the last which is no
// trusted proxy. `peer` if it is not trusted itself, or said nothing that can be read.
PeerAddress forwarded_client(const PeerAddress& peer, const std::vector<std::string>& forwarded_for,
                             const AddressRanges& trusted);

}  // namespace kith::server
