// Door: decides who may come in. Tokens of the host, tokens and passwords of own accounts, resume
// tickets, revocation.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "kith/core/ids.h"
#include "kith/core/time.h"
#include "kith/server/hooks.h"
#include "kith/server/ports/directory.h"
#include "server/password_hasher.h"
#include "server/services/devices.h"
#include "server/services/users.h"
#include "src/scheduler.h"

namespace kith::v1 {
class Hello;
class Register;
class SignIn;
class SignedIn;
}  // namespace kith::v1

namespace kith::server {

struct Admission {
  UserId user;
  DeviceId device;
  std::int64_t issued_ms = 0;   // of the token; revocation compares with it
  std::int64_t expires_ms = 0;  // 0 = never
};

struct DoorOptions {
  std::string secret;
  std::shared_ptr<Authenticator> authenticator;  // null: own accounts only
  bool register_accounts = false;
  std::chrono::milliseconds account_token_life{0};
};

// Loop thread. Answers may come inside the call.
class Door {
 public:
  Door(DoorOptions options, Directory& directory, Users& users, Devices& devices,
       PasswordHasher& passwords, Scheduler& scheduler);
  ~Door();

  // Errors: kUnauthenticated, kTokenExpired, kRevoked, kUnavailable.
  void admit(const v1::Hello& hello, Done<Admission> done);
  // A fresh token for a running session; it must be the same user's.
  void renew(const Admission& current, const std::string& token, Done<Admission> done);
  // `turn`: PasswordHasher's.
  void register_account(const v1::Register& request, std::uint64_t turn, Done<v1::SignedIn> done);
  // A wrong handle and a wrong password look alike, also by the time that the answer takes.
  void sign_in(const v1::SignIn& request, std::uint64_t turn, Done<v1::SignedIn> done);
  [[nodiscard]] Result<std::string> ticket(const Admission& admission) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kith::server
