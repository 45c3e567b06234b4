// Ids that are derived from names, and the hex form of all ids.
#include "kith/core/ids.h"

#include <algorithm>
#include <array>

#include "kith/core/random.h"
#include "src/hash.h"

namespace kith {
namespace detail {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string hex(const std::uint8_t* bytes, std::size_t size) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(size * 2);
  for (std::size_t i = 0; i < size; ++i) {
    out.push_back(kDigits[bytes[i] >> 4]);
    out.push_back(kDigits[bytes[i] & 15]);
  }
  return out;
}

bool unhex(std::string_view text, std::uint8_t* bytes, std::size_t size) {
  if (text.size() != size * 2) return false;
  for (std::size_t i = 0; i < size; ++i) {
    const int high = hex_digit(text[2 * i]);
    const int low = hex_digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

}  // namespace detail

UserId UserId::of(std::string_view handle) {
  return UserId(hash16("kith-user:" + std::string(handle)));
}

namespace {

// Version and variant of RFC 9562.
ConversationId as_uuid(std::array<std::uint8_t, ConversationId::kSize> bytes,
                       std::uint8_t version) {
  bytes[6] = static_cast<std::uint8_t>(version << 4 | (bytes[6] & 0x0f));
  bytes[8] = static_cast<std::uint8_t>(0x80 | (bytes[8] & 0x3f));
  return ConversationId(bytes);
}

}  // namespace

ConversationId ConversationId::direct(const UserId& a, const UserId& b) {
  const auto& [low, high] = std::minmax(a, b);
  return as_uuid(hash16("kith-dm:" + low.bytes() + high.bytes()), 8);
}

ConversationId ConversationId::group(Random& random) {
  std::array<std::uint8_t, kSize> bytes{};
  random.fill(bytes.data(), bytes.size());
  return as_uuid(bytes, 4);
}

}  // namespace kith
