// What a host application decides for Kith: who is who.
#pragma once

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

// Accepts JSON Web Tokens (RFC 7519) signed with HS256: {"sub": handle, "name": display name,
// "iat": s, "exp": s}. Any back end can make them; `exp` is required. Fails with kInvalidArgument
// if the secret is shorter than 32 bytes.
KITH_API Result<std::unique_ptr<Authenticator>> jwt_authenticator(std::string secret,
                                                                  Clock& clock = system_clock());

// Makes such a token; for tests, tools and hosts written in C++.
KITH_API std::string make_jwt(std::string_view secret, const Identity& identity);

}  // namespace kith::server
