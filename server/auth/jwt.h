// JSON Web Tokens (RFC 7519) signed with HS256, read strictly.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "kith/core/result.h"
#include "kith/core/time.h"
#include "kith/server/hooks.h"

namespace kith::server {

inline constexpr std::size_t kJwtSecretBytesMin = 32;
inline constexpr std::chrono::minutes kJwtLeewayMax{10};

struct JwtClaims {
  std::string subject;
  std::string name;
  std::string device;          // hex of a DeviceId, only in tokens of the server's accounts
  std::string audience;        // encode_jwt() only
  std::string issuer;          // encode_jwt() only
  std::string id;              // `jti`
  std::string digest;          // of what is signed, 16 bytes; decode_jwt() only
  std::int64_t issued_ms = 0;  // 0 = not given
  std::int64_t expires_ms = 0;
  // Only in tokens of the server's accounts: LastEnded.
  std::int64_t user_ended_ms = 0;
  std::int64_t device_ended_ms = 0;
};

std::string encode_jwt(const JwtClaims& claims, std::string_view secret);

// kUnauthenticated: not a token of these secrets, another algorithm than HS256, no `sub` or `exp`,
// `iat` or `nbf` in the future, for another audience, of another issuer. kTokenExpired: genuine, but
// expired.
Result<JwtClaims> decode_jwt(std::string_view token, const JwtOptions& rules, Timestamp now);
// `rules_of_own`: this server has made it, and may have done so while its own clock was ahead.
Result<JwtClaims> decode_jwt(std::string_view token, const JwtOptions& rules, Timestamp now,
                             bool rules_of_own);
// One secret, no audience, any issuer.
Result<JwtClaims> decode_jwt(std::string_view token, std::string_view secret, Timestamp now);

}  // namespace kith::server
