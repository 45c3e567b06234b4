// Proxy: the HTTP proxy that stands between this device and a server, as the application or the environment names it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/transport/url.h"
#include "kith/core/result.h"

namespace kith::client {

struct Proxy {
  std::string host;  // name or IP address, without brackets
  std::uint16_t port = 80;
  std::string credentials;  // "user:password", decoded; empty: none

  // As lws_set_proxy() wants it: credentials, host and port. `address` stands in for the host.
  [[nodiscard]] std::string with_address(std::string_view address) const;
};

// The variables that curl and others read. HTTP_PROXY in capitals is not among them: a CGI program would take it from
// a header of its caller.
struct ProxyVariables {
  std::string http;   // http_proxy, for ws://
  std::string https;  // https_proxy or HTTPS_PROXY, for wss://
  std::string all;    // all_proxy or ALL_PROXY, where the one for the scheme is empty
  std::string
      none;  // no_proxy or NO_PROXY: names, domains, addresses and networks that are reached directly
};
ProxyVariables proxy_variables();

// Answers the proxy for `server`, or nothing for a direct connection. `setting` is ClientOptions::proxy: empty asks the
// variables (the loopback is always reached directly), "none" is direct, anything else is the proxy's address.
// Fails with kInvalidArgument, naming the setting or variable, if it is no http:// address with a host.
Result<std::optional<Proxy>> proxy_for(const ServerUrl& server, std::string_view setting,
                                       const ProxyVariables& variables);

// True if the list of a no_proxy variable names `host`: "*", the host itself, a domain that it is in, or its network
// ("10.0.0.0/8").
bool in_no_proxy(std::string_view list, std::string_view host);

}  // namespace kith::client
