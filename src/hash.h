// Hashes, keyed hashes and the text form of bytes in URLs and tokens.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kith {

using Sha256 = std::array<std::uint8_t, 32>;
using Hash16 = std::array<std::uint8_t, 16>;

Sha256 sha256(std::string_view bytes);
Sha256 hmac_sha256(std::string_view key, std::string_view bytes);

// Returns the first 16 bytes of SHA-256, for ids that every party derives alike.
Hash16 hash16(std::string_view bytes);

inline std::string_view view(const Sha256& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// RFC 4648 §5 without padding.
std::string base64url_encode(std::string_view bytes);
// Decodes strictly: returns nothing if there is padding, white space, or a stray bit in the last character.
std::optional<std::string> base64url_decode(std::string_view text);

// Compares in constant time, wherever the two differ. Their lengths are not secret.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace kith
