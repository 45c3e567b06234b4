// ProxyHeader reads the client's address that a proxy in front passes on: from a PROXY header,
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
    kRead,        // `size` bytes are the header; the rest is the client's
    kNone,        // these bytes begin no PROXY header
  };
  Kind kind = Kind::kIncomplete;
  std::size_t size = 0;
  // The client's address; nothing if the proxy connects for itself (LOCAL, UNKNOWN), as its health checks do.
  std::optional<PeerAddress> client;
};

// The longest accepted header: addresses and some extensions of version 2.
inline constexpr std::size_t kProxyHeaderMax = 1'024;

ProxyHeader read_proxy_header(std::string_view bytes);

// Returns the client behind one or more trusted proxies: the last of the added addresses that is no
// trusted proxy. Returns `peer` if it is not trusted itself, or no address can be read.
PeerAddress forwarded_client(const PeerAddress& peer, const std::vector<std::string>& forwarded_for,
                             const AddressRanges& trusted);

}  // namespace kith::server
