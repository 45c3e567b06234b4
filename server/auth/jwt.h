// JSON Web Tokens (RFC 7519) signed with HS256, read strictly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::server {

inline constexpr std::size_t kJwtSecretBytesMin = 32;
inline constexpr std::int64_t kJwtSkewMs = 60'000;  // clocks of two machines differ by this at most

struct JwtClaims {
  std::string subject;
  std::string name;
  std::string device;          // hex of a DeviceId, only in tokens of own accounts
  std::int64_t issued_ms = 0;  // 0 = not told
  std::int64_t expires_ms = 0;
};

std::string encode_jwt(const JwtClaims& claims, std::string_view secret);

// kUnauthenticated: not a token of this secret, another algorithm than HS256, no `sub` or `exp`,
// `iat` in the future. kTokenExpired: genuine, but over.
Result<JwtClaims> decode_jwt(std::string_view token, std::string_view secret, Timestamp now);

}  // namespace kith::server
