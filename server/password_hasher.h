// PasswordHasher: slow on purpose, therefore off the loop. The real one is scrypt on a worker pool
// (password_hasher_openssl).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::server {

// Threads: called on the loop; `done` comes on the loop, never inside the call. At most 64 requests
// wait, of equal `turn` (an address, or an account on a device that it knows) at most 8; turns come round, and
// one never has all threads.
// Who has no place gets kOverloaded.
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;
  virtual void hash(std::uint64_t turn, std::string password,
                    std::function<void(Result<std::string>)> done) = 0;
  // ok(true) if the password fits the stored hash.
  virtual void verify(std::uint64_t turn, std::string password, std::string hash,
                      std::function<void(Result<bool>)> done) = 0;
};

}  // namespace kith::server
