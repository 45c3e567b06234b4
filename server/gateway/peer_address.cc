// PeerAddress: addresses as bytes, their texts, and ranges of them.
#include "server/gateway/peer_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace kith::server {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;
constexpr std::size_t kSubscriberBytes = 8;  // a /64

bool same_start(const PeerAddress& a, const PeerAddress& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.bytes().begin(), a.bytes().begin() + whole, b.bytes().begin())) return false;
  if (bits % 8 == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - bits % 8));
  return (a.bytes()[whole] & mask) == (b.bytes()[whole] & mask);
}

}  // namespace

std::optional<PeerAddress> PeerAddress::parse(std::string_view text) {
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN) return std::nullopt;
  const std::string copy(text);
  std::uint8_t bytes[16];
  if (inet_pton(AF_INET, copy.c_str(), bytes) == 1) return from_v4(bytes);
  if (inet_pton(AF_INET6, copy.c_str(), bytes) == 1) return from_v6(bytes);
  return std::nullopt;
}

PeerAddress PeerAddress::from(const sockaddr* address) {
  if (address == nullptr) return {};
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    return from_v4(reinterpret_cast<const std::uint8_t*>(&v4.sin_addr));
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    return from_v6(v6.sin6_addr.s6_addr);
  }
  return {};
}

PeerAddress PeerAddress::from_v4(const std::uint8_t* four_bytes) {
  PeerAddress made;
  std::copy(kMapped.begin(), kMapped.end(), made.bytes_.begin());
  std::copy_n(four_bytes, 4, made.bytes_.begin() + kMapped.size());
  return made;
}

PeerAddress PeerAddress::from_v6(const std::uint8_t* sixteen_bytes) {
  PeerAddress made;
  std::copy_n(sixteen_bytes, made.bytes_.size(), made.bytes_.begin());
  return made;
}

bool PeerAddress::is_v4() const {
  return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin());
}

std::string PeerAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes_.data() + kMapped.size(), text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes_.data(), text, sizeof text);
  }
  return text;
}

PeerAddress PeerAddress::group() const {
  if (is_v4()) return *this;
  PeerAddress made = *this;
  std::fill(made.bytes_.begin() + kSubscriberBytes, made.bytes_.end(), std::uint8_t{0});
  return made;
}

std::string PeerAddress::group_text() const {
  return is_v4() ? text() : group().text() + "/64";
}

Result<AddressRanges> AddressRanges::parse(const std::vector<std::string>& texts) {
  AddressRanges made;
  for (const std::string& text : texts) {
    const auto slash = text.find('/');
    const auto first = PeerAddress::parse(std::string_view(text).substr(0, slash));
    unsigned bits = 0;
    bool valid = first.has_value();
    if (valid && slash == std::string::npos) {
      bits = 128;
    } else if (valid) {
      const char* begin = text.data() + slash + 1;
      const char* end = text.data() + text.size();
      const auto [stop, error] = std::from_chars(begin, end, bits);
      const bool v4 = text.find(':') == std::string::npos;
      valid = error == std::errc() && stop == end && bits <= (v4 ? 32U : 128U);
      if (v4) bits += kMappedBits;
    }
    if (!valid) {
      return make_error(ErrorCode::kInvalidArgument,
                        "'" + text + "' is neither an address nor a range such as 10.0.0.0/8");
    }
    made.ranges_.push_back({*first, bits});
  }
  return made;
}

bool AddressRanges::contain(const PeerAddress& address) const {
  return std::any_of(ranges_.begin(), ranges_.end(), [&](const Range& range) {
    return same_start(range.first, address, range.bits);
  });
}

}  // namespace kith::server
