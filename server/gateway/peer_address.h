// PeerAddress is the address of a connection's peer, in one form: an IPv4 address written as IPv6
// becomes the IPv4 address. AddressRanges names proxies by address or CIDR range. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"

struct sockaddr;

namespace kith::server {

class PeerAddress {
 public:
  PeerAddress() = default;  // unknown: ::
  // Returns nothing if `text` is no address; a port, brackets or a zone are not allowed.
  static std::optional<PeerAddress> parse(std::string_view text);
  // Unknown for families other than IPv4 and IPv6.
  static PeerAddress from(const sockaddr* address);
  static PeerAddress from_v4(const std::uint8_t* four_bytes);
  static PeerAddress from_v6(const std::uint8_t* sixteen_bytes);

  [[nodiscard]] bool is_v4() const;
  [[nodiscard]] std::string text() const;
  // The key of limits: an IPv4 address, or the /64 of an IPv6 address, since one subscriber has at
  // least that.
  [[nodiscard]] PeerAddress group() const;
  [[nodiscard]] std::string group_text() const;  // "192.0.2.7", "2001:db8::/64"
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
  friend auto operator<=>(const PeerAddress&, const PeerAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};  // IPv4 as ::ffff:a.b.c.d
};

class AddressRanges {
 public:
  // Addresses and CIDR ranges ("10.0.0.0/8", "fd00::/8", "192.0.2.1"). Fails with kInvalidArgument,
  // which names the invalid one.
  static Result<AddressRanges> parse(const std::vector<std::string>& texts);
  [[nodiscard]] bool contain(const PeerAddress& address) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }

 private:
  struct Range {
    PeerAddress first;
    unsigned bits = 128;
  };
  std::vector<Range> ranges_;
};

}  // namespace kith::server
