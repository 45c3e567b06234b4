// Passwords as scrypt hashes (RFC 7914), computed on worker threads.
#pragma once

#include <cstdint>
#include <memory>

#include "kith/core/executor.h"
#include "kith/core/limits.h"
#include "server/auth/password_hasher.h"

namespace kith::server {

struct ScryptOptions {
  // log2 of scrypt's N for new hashes (ServerOptions::password_cost).
  std::uint32_t cost = limits::password_cost_default;
  // 0 = as many as the cores, at most 2.
  std::uint32_t threads = 0;
};

// "scrypt$15$8$1$salt$hash", both base64url; the first number is the cost, so that hashes of
// another cost stay valid. Calls back on `executor`, which must outlive the hasher; no callback
// runs after its end.
std::unique_ptr<PasswordHasher> make_scrypt_hasher(Executor& executor, ScryptOptions options);

}  // namespace kith::server
