// Proxy: reads proxy addresses and no_proxy lists as curl and Go do.
#include "client/transport/proxy.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>

namespace kith::client {
namespace {

constexpr std::size_t kHostMax = 253;
constexpr std::size_t kCredentialsMax = 95;  // what libwebsockets encodes

std::string variable(const char* lower, const char* upper) {
  const char* value = std::getenv(lower);
  if (value == nullptr && upper != nullptr) value = std::getenv(upper);
  return value == nullptr ? "" : value;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// An IPv4 or IPv6 address as bytes, IPv4 in its mapped form; nothing if it is a name.
std::optional<std::array<unsigned char, 16>> address_of(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1) return bytes;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, host.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool in_network(const std::string& network, const std::string& host) {
  const std::size_t slash = network.find('/');
  const auto base = address_of(network.substr(0, slash));
  const auto address = address_of(host);
  if (!base || !address) return false;
  const bool v4 = network.find(':') == std::string::npos;
  unsigned bits = v4 ? 32 : 128;
  if (slash != std::string::npos) {
    const char* from = network.data() + slash + 1;
    const char* end = network.data() + network.size();
    unsigned given = 0;
    if (std::from_chars(from, end, given).ptr != end || given > bits) return false;
    bits = given;
  }
  if (v4) bits += 96;
  const std::size_t whole = bits / 8;
  if (std::memcmp(base->data(), address->data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<unsigned char>(0xff << (8 - rest));
  return (((*base)[whole] ^ (*address)[whole]) & mask) == 0;
}

bool matches(std::string entry, const std::string& host) {
  if (entry == "*") return true;
  if (entry.front() == '[' && entry.back() == ']') entry = entry.substr(1, entry.size() - 2);
  if (in_network(entry, host)) return true;
  while (!entry.empty() && entry.front() == '.') entry.erase(0, 1);
  if (entry.empty() || !host.ends_with(entry)) return false;
  return host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.';
}

bool loopback(const std::string& host) {
  return host == "localhost" || host.ends_with(".localhost") || in_network("127.0.0.0/8", host) ||
         in_network("::1", host);
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char small = static_cast<char>(c | 0x20);
  return small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool code = text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                      hex_digit(text[i + 2]) >= 0;
    out += code ? static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])) : text[i];
    if (code) i += 2;
  }
  return out;
}

// The value itself is not repeated: it may hold a password.
Error bad(std::string_view name, std::string_view why) {
  return make_error(ErrorCode::kInvalidArgument,
                    std::string(name) + " must look like http://host:port: " + std::string(why));
}

Result<std::optional<Proxy>> parse(std::string_view text, std::string_view name) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (lower(text.substr(0, scheme)) != "http") {
      return bad(name, "only HTTP proxies are supported");
    }
    text.remove_prefix(scheme + 3);
  }
  text = text.substr(0, text.find('/'));
  Proxy proxy;
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    proxy.credentials = percent_decoded(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  if (proxy.credentials.size() > kCredentialsMax) return bad(name, "the credentials are too long");
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return bad(name, "the bracket is not closed");
    proxy.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const std::size_t colon = std::min(text.find(':'), text.size());
    proxy.host = text.substr(0, colon);
    port = text.substr(colon);
  }
  const bool clean = std::all_of(proxy.host.begin(), proxy.host.end(),
                                 [](char c) { return c > ' ' && c != 0x7f; });
  if (proxy.host.empty() || proxy.host.size() > kHostMax || !clean) {
    return bad(name, "the host is missing or not a host");
  }
  if (!port.empty()) {
    const char* end = port.data() + port.size();
    const auto [read, error] = std::from_chars(port.data() + 1, end, proxy.port);
    if (port.front() != ':' || error != std::errc() || read != end || proxy.port == 0) {
      return bad(name, "the port is not a number");
    }
  }
  return std::optional(std::move(proxy));
}

}  // namespace

std::string Proxy::with_address(std::string_view address) const {
  std::string out = credentials.empty() ? "" : credentials + "@";
  const bool v6 = address.find(':') != std::string_view::npos;
  if (v6) out += '[';
  out.append(address);
  if (v6) out += ']';
  return out + ":" + std::to_string(port);
}

ProxyVariables proxy_variables() {
  return {variable("http_proxy", nullptr), variable("https_proxy", "HTTPS_PROXY"),
          variable("all_proxy", "ALL_PROXY"), variable("no_proxy", "NO_PROXY")};
}

bool in_no_proxy(std::string_view list, std::string_view host) {
  const std::string name = lower(host);
  std::size_t at = 0;
  while (at < list.size()) {
    const std::size_t end = std::min(list.find_first_of(", \t", at), list.size());
    if (end > at && matches(lower(list.substr(at, end - at)), name)) return true;
    at = end + 1;
  }
  return false;
}

Result<std::optional<Proxy>> proxy_for(const ServerUrl& server, std::string_view setting,
                                       const ProxyVariables& variables) {
  if (setting == "none") return std::optional<Proxy>();
  if (!setting.empty()) return parse(setting, "ClientOptions::proxy");
  const std::string& own = server.tls ? variables.https : variables.http;
  const std::string& value = own.empty() ? variables.all : own;
  if (value.empty() || loopback(lower(server.host)) || in_no_proxy(variables.none, server.host)) {
    return std::optional<Proxy>();
  }
  return parse(value, own.empty() ? "all_proxy" : server.tls ? "https_proxy" : "http_proxy");
}

}  // namespace kith::client
