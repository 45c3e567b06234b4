// EntryBudget bounds the tries before sign-in: passwords, by handle and by address with growing pauses; registrations
// and rejected tokens, by address. It also bounds the look-ups of an address. A handle that does not exist is treated
// like any other, and strangers' guesses never stop a device that its owner has used.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kith/core/ids.h"
#include "kith/server/options.h"
#include "server/auth/password_hasher.h"
#include "server/budget/keyed_cells.h"
#include "server/budget/sign_in_pause.h"
#include "src/token_bucket.h"

namespace kith::server {

// One attempt to sign in with a password, from EntryBudget::begin() to its end.
struct SignInAttempt {
  BudgetKey pause;   // of the handle and the address of the attempt
  BudgetKey handle;  // of the handle alone
  BudgetKey address;
  bool known = false;    // the device has signed in before
  bool at_home = false;  // or the address has
  Turn turn;             // among the requests that wait for the hasher
};

class EntryBudget {
 public:
  EntryBudget(const ServerOptions& options, Random& random);

  // Returns 0 and fills `attempt`, or returns the milliseconds until a sign-in may be tried. `address` is
  // PeerInfo::group.
  std::uint32_t begin(const UserId& user, const DeviceId& device, const std::string& address,
                      std::int64_t now_ms, SignInAttempt& attempt);
  // The password was right: gives everything back.
  void succeeded(const SignInAttempt& attempt, std::int64_t now_ms);
  // The password was not checked (too many wait, the directory fails).
  void undecided(const SignInAttempt& attempt, std::int64_t now_ms);
  // A session or a registration of this device has succeeded: strangers no longer delay its sign-ins.
  void remember(const UserId& user, const DeviceId& device, const std::string& address,
                std::int64_t now_ms);

  // Takes one; returns as begin() does.
  std::uint32_t register_account(const std::string& address, std::int64_t now_ms);
  void registered_nothing(const std::string& address, std::int64_t now_ms);
  // A token or ticket was rejected; returns true if this address had too many.
  bool token_refused(const std::string& address, std::int64_t now_ms);
  std::uint32_t look_up(const std::string& address, std::int64_t ids, std::int64_t now_ms);
  // The milliseconds until one more id may be looked up; and the charge for look-ups.
  std::uint32_t lookups_wait(const std::string& address, std::int64_t now_ms);
  void looked_up(const std::string& address, std::int64_t ids, std::int64_t now_ms);

  // Returns the turn of a registration among the requests that wait for the hasher.
  [[nodiscard]] Turn turn_of(const std::string& address) const { return {keys_.tag(address), 0}; }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t bytes_max() const;

 private:
  struct Address {
    TokenBucket registrations, failures, tokens, lookups;
  };
  struct AddressRules {
    BucketRate registrations, failures, tokens, lookups;
    [[nodiscard]] bool free(Address& a, std::int64_t now_ms) const {
      return a.registrations.unused(registrations, now_ms) && a.failures.unused(failures, now_ms) &&
             a.tokens.unused(tokens, now_ms) && a.lookups.unused(lookups, now_ms);
    }
  };
  struct PauseRules {
    [[nodiscard]] static bool free(const SignInPause& pause, std::int64_t now_ms) {
      return pause.healed(now_ms);
    }
  };
  struct HandleRules {
    BucketRate failures;
    [[nodiscard]] bool free(TokenBucket& bucket, std::int64_t now_ms) const {
      return bucket.unused(failures, now_ms);
    }
  };
  // The last devices and addresses of an account, as tags.
  struct Familiar {
    std::array<std::uint64_t, 8> tags{};
    std::int64_t since_ms = 0;
    std::uint32_t next = 0;
  };
  // Eviction benefits no attacker here, so the cells of others can be taken; but not at once, or a flood of new
  // accounts would take all.
  struct FamiliarRules {
    [[nodiscard]] static bool free(const Familiar& familiar, std::int64_t now_ms);
  };

  [[nodiscard]] bool familiar(const UserId& user, std::uint64_t tag);

  KeyMaker keys_;
  KeyedCells<Address, AddressRules> addresses_;
  KeyedCells<SignInPause, PauseRules> pauses_;
  KeyedCells<TokenBucket, HandleRules> handles_;
  KeyedCells<Familiar, FamiliarRules> familiar_;
};

}  // namespace kith::server
