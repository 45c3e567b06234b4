// Url: parses ws:// and wss:// addresses.
#include "client/transport/url.h"

#include <charconv>

namespace kith::client {
namespace {

Error bad(std::string_view why) {
  return make_error(ErrorCode::kInvalidArgument,
                    "the server address must look like wss://host:port/v1/ws: " + std::string(why));
}

}  // namespace

std::string ServerUrl::authority() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<ServerUrl> parse_server_url(std::string_view url) {
  ServerUrl parsed;
  if (url.starts_with("wss://")) {
    parsed.tls = true;
    url.remove_prefix(6);
  } else if (url.starts_with("ws://")) {
    url.remove_prefix(5);
  } else {
    return bad("it starts with neither wss:// nor ws://");
  }
  for (const char c : url) {
    if (c <= ' ' || c == 0x7f || c == '@' || c == '#')
      return bad("it holds a character that has no place there");
  }
  const std::size_t slash = url.find('/');
  parsed.path = slash == std::string_view::npos ? "/v1/ws" : std::string(url.substr(slash));
  std::string_view authority = url.substr(0, slash);
  std::string_view port;
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == std::string_view::npos) return bad("the bracket is not closed");
    parsed.host = authority.substr(1, end - 1);
    port = authority.substr(end + 1);
    if (!port.empty() && !port.starts_with(':')) return bad("the port is not a number");
  } else {
    const std::size_t colon = authority.find(':');
    parsed.host = authority.substr(0, colon);
    if (colon != std::string_view::npos) port = authority.substr(colon);
  }
  if (parsed.host.empty() || parsed.host.size() > 253)
    return bad("the host is missing or too long");
  parsed.port = parsed.tls ? 443 : 80;
  if (!port.empty()) {
    port.remove_prefix(1);
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
    if (error != std::errc() || end != port.data() + port.size() || parsed.port == 0) {
      return bad("the port is not a number");
    }
  }
  return parsed;
}

}  // namespace kith::client
