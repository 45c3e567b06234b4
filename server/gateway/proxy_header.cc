// ProxyHeader: the two versions of haproxy.org's proxy-protocol.txt, and lists of addresses.
#include "server/gateway/proxy_header.h"

#include <algorithm>
#include <charconv>

namespace kith::server {
namespace {

using Kind = ProxyHeader::Kind;

constexpr std::string_view kVersion1 = "PROXY ";
constexpr std::size_t kVersion1Max = 107;  // with its line end
constexpr std::string_view kVersion2("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr std::size_t kVersion2Head = 16;
constexpr std::size_t kAddressesMax = 64;  // in X-Forwarded-For

ProxyHeader incomplete(std::size_t size) {
  return {Kind::kIncomplete, size, std::nullopt};
}

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

std::string_view word(std::string_view& line) {
  const auto space = line.find(' ');
  const std::string_view one = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return one;
}

bool is_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port <= 65'535;
}

ProxyHeader read_version_1(std::string_view bytes) {
  const auto end = bytes.substr(0, kVersion1Max).find("\r\n");
  if (end == std::string_view::npos) {
    if (bytes.size() >= kVersion1Max) return {Kind::kNone, 0, std::nullopt};
    return incomplete(bytes.size() + 1);
  }
  ProxyHeader made{Kind::kRead, end + 2, std::nullopt};
  std::string_view line = bytes.substr(kVersion1.size(), end - kVersion1.size());
  const std::string_view family = word(line);
  if (family == "UNKNOWN") return made;
  const auto source = PeerAddress::parse(word(line));
  const auto destination = PeerAddress::parse(word(line));
  const bool ports = is_port(word(line)) && is_port(word(line));
  const bool known = family == "TCP4" || family == "TCP6";
  if (!known || !source || !destination || !ports || !line.empty()) return {Kind::kNone, 0, {}};
  made.client = source;
  return made;
}

ProxyHeader read_version_2(std::string_view bytes) {
  if (bytes.size() < kVersion2Head) return incomplete(kVersion2Head);
  const std::size_t length = static_cast<std::size_t>(byte_at(bytes, 14)) << 8 | byte_at(bytes, 15);
  const std::size_t size = kVersion2Head + length;
  const unsigned version = byte_at(bytes, 12) >> 4;
  const unsigned command = byte_at(bytes, 12) & 0x0f;
  if (version != 2 || command > 1 || size > kProxyHeaderMax) return {Kind::kNone, 0, std::nullopt};
  const unsigned family = byte_at(bytes, 13) >> 4;
  const std::size_t addresses = family == 1 ? 12 : family == 2 ? 36 : 0;
  if (command == 1 && length < addresses) return {Kind::kNone, 0, std::nullopt};
  if (bytes.size() < size) return incomplete(size);
  ProxyHeader made{Kind::kRead, size, std::nullopt};
  const auto* source = reinterpret_cast<const std::uint8_t*>(bytes.data()) + kVersion2Head;
  if (command == 1 && family == 1) made.client = PeerAddress::from_v4(source);
  if (command == 1 && family == 2) made.client = PeerAddress::from_v6(source);
  return made;
}

// Parses one address of X-Forwarded-For. Proxies write ports, brackets and zones: 192.0.2.1:80,
// [2001:db8::1]:443, fe80::1%eth0.
std::optional<PeerAddress> forwarded_address(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    port = text.substr(end + 1);
    text = text.substr(1, end - 1);
  } else if (const auto colon = text.find(':'); colon == text.rfind(':')) {
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    text = text.substr(0, colon);
  }
  if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) return std::nullopt;
  return PeerAddress::parse(text.substr(0, text.find('%')));
}

}  // namespace

ProxyHeader read_proxy_header(std::string_view bytes) {
  const auto begins = [&](std::string_view mark) {
    return bytes.substr(0, mark.size()) == mark.substr(0, bytes.size());
  };
  if (begins(kVersion1) && bytes.size() >= kVersion1.size()) return read_version_1(bytes);
  if (begins(kVersion2) && bytes.size() >= kVersion2.size()) return read_version_2(bytes);
  if (begins(kVersion1)) return incomplete(kVersion1.size());
  if (begins(kVersion2)) return incomplete(kVersion2Head);
  return {Kind::kNone, 0, std::nullopt};
}

PeerAddress forwarded_client(const PeerAddress& peer, const std::vector<std::string>& forwarded_for,
                             const AddressRanges& trusted) {
  PeerAddress client = peer;
  std::size_t seen = 0;
  for (auto list = forwarded_for.rbegin(); list != forwarded_for.rend(); ++list) {
    std::string_view rest = *list;
    while (!rest.empty()) {
      // Each proxy appends the address that it sees: an entry counts as long as all proxies behind
      // it are trusted.
      if (!trusted.contain(client) || ++seen > kAddressesMax) return client;
      const auto comma = rest.rfind(',');
      std::string_view one = comma == std::string_view::npos ? rest : rest.substr(comma + 1);
      rest = rest.substr(0, comma == std::string_view::npos ? 0 : comma);
      while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
      while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
      if (one.empty()) continue;  // an empty element of a list says nothing (RFC 9110, 5.6.1)
      const auto address = forwarded_address(one);
      if (!address) return client;
      client = *address;
    }
  }
  return client;
}

}  // namespace kith::server
