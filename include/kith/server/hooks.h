// What a host application decides for Kith: who is who.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/core/time.h"

namespace kith::server {

struct Identity {
  std::string handle{};  // the user's name in the host's world; UserId::of(handle) is the user's id
  std::string display_name{};  // empty: the handle
  // When the token was made; revocation compares with it. 0 = unknown, never revoked by time.
  std::int64_t issued_ms = 0;
  std::int64_t expires_ms = 0;  // 0 = does not expire; the session is ended when it has passed
  // Tells this token from the user's others: a token that a device came in with ends together with
  // the device, whichever device brings it then. Empty: a hash of the token's text.
  std::string token_id{};
};

// Answers whose token this is. A user that Kith does not know yet is created at the first sign-in.
//
// Threads: authenticate() is called on the server's loop and must not block; `done` may be called
//          from any thread, once.
// Errors:  kUnauthenticated (wrong), kTokenExpired (was right), kRevoked, kUnavailable (cannot tell
//          now: the client retries).
class KITH_API Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual void authenticate(std::string_view token, std::function<void(Result<Identity>)> done) = 0;
};

struct JwtOptions {
  std::string secret{};  // at least 32 bytes
  // Verifies as well, while a host changes its secret: `secret` is the new one. Empty: none.
  std::string previous_secret{};
  // A token must name it in `aud`. Empty: a token that names an audience is not for this server.
  std::string audience{};
  std::string issuer{};  // a token must have it as `iss`. Empty: `iss` is not looked at
  // The clocks of host and server differ by this at most; up to 10 minutes.
  std::chrono::milliseconds leeway{60'000};
};

// Accepts JSON Web Tokens (RFC 7519) signed with HS256: {"sub": handle, "name": display name,
// "iat": s, "exp": s}. Any back end can make them; `exp` is required. Fails with kInvalidArgument
// if a secret is shorter than 32 bytes, or `leeway` out of range.
KITH_API Result<std::unique_ptr<Authenticator>> jwt_authenticator(JwtOptions options,
                                                                  Clock& clock = system_clock());
KITH_API Result<std::unique_ptr<Authenticator>> jwt_authenticator(std::string secret,
                                                                  Clock& clock = system_clock());

// Makes such a token; for tests, tools and hosts written in C++. With options: for their audience
// and of their issuer.
KITH_API std::string make_jwt(std::string_view secret, const Identity& identity);
KITH_API std::string make_jwt(const JwtOptions& options, const Identity& identity);

}  // namespace kith::server
