// PasswordHasher hashes passwords, slowly on purpose and therefore off the loop. The real one is
// scrypt on a worker pool (password_hasher_openssl).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kith/core/done.h"

namespace kith::server {

// The turn of a request among those that wait for the hasher.
struct Turn {
  std::uint64_t address = 0;
  std::uint64_t one = 0;  // within the address: an account on a known device, or 0
};

// Threads: called on the loop; `done` comes on the loop, never inside the call. At most 64 requests wait, of
// equal `turn` at most 8; addresses take turns, and one address never has all threads. A request without a
// place fails with kOverloaded.
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;
  virtual void hash(const Turn& turn, std::string password, Done<std::string> done) = 0;
  // ok(true) if the password fits the stored hash.
  virtual void verify(const Turn& turn, std::string password, std::string hash,
                      Done<bool> done) = 0;
};

}  // namespace kith::server
