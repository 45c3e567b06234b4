// Authenticator: the host application's answer to whose token this is.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/time.h"

namespace kith::server {

struct Identity {
  std::string handle{};  // the user's name in the host's world; UserId::of(handle) is the user's id
  std::string display_name{};  // empty: the handle
  // The issue time of the token, with which revocation compares. 0 = unknown, never revoked by time.
  std::int64_t issued_ms = 0;
  std::int64_t expires_ms = 0;  // the session ends then; 0 = the token does not expire
  // Distinguishes this token from the user's other ones. Revoking a device ends the tokens with which it has
  // signed in, from whichever device they come. Empty: a hash of the token's text is used.
  std::string token_id{};
};

// Verifies a token and returns the user it belongs to. Kith creates an unknown user at the first sign-in.
//
// Threads: authenticate() is called on the server's loop and must not block; `done` may be called
//          from any thread, once.
// Errors:  kUnauthenticated (invalid), kTokenExpired (was valid), kRevoked, kUnavailable (cannot be
//          verified now: the client retries).
class KITH_API Authenticator {
 public:
  virtual ~Authenticator() = default;
  virtual void authenticate(std::string_view token, Done<Identity> done) = 0;
};

struct JwtOptions {
  std::string secret{};  // at least 32 bytes
  // Also accepted while a host changes its secret, of which `secret` is the new one. Empty: none.
  std::string previous_secret{};
  // A token must name it in `aud`. Empty: a token that names an audience is not for this server.
  std::string audience{};
  std::string issuer{};  // a token must have it as `iss`. Empty: `iss` is ignored
  // Tolerated difference between the clocks of host and server, at most 10 minutes.
  std::chrono::milliseconds leeway{60'000};
};

// Accepts JSON Web Tokens (RFC 7519) signed with HS256: {"sub": handle, "name": display name,
// "iat": s, "exp": s}. Any back end can make them; `exp` is required. Fails with kInvalidArgument
// if a secret is shorter than 32 bytes or `leeway` is out of range.
KITH_API Result<std::unique_ptr<Authenticator>> jwt_authenticator(JwtOptions options,
                                                                  Clock& clock = system_clock());
KITH_API Result<std::unique_ptr<Authenticator>> jwt_authenticator(std::string secret,
                                                                  Clock& clock = system_clock());

// Makes such a token, for tests, tools and hosts written in C++. With options, the token has their audience
// and issuer.
KITH_API std::string make_jwt(std::string_view secret, const Identity& identity);
KITH_API std::string make_jwt(const JwtOptions& options, const Identity& identity);

}  // namespace kith::server
