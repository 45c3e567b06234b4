// Passwords as scrypt hashes (RFC 7914), computed on one worker thread.
#pragma once

#include <memory>

#include "kith/core/executor.h"
#include "server/password_hasher.h"

namespace kith::server {

// "scrypt$15$8$1$salt$hash", both base64url. Answers on `executor`, which must outlive the hasher;
// none comes after its end.
std::unique_ptr<PasswordHasher> make_scrypt_hasher(Executor& executor);

}  // namespace kith::server
