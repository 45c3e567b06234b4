// OwnAccounts manages the accounts that this server keeps, with handle and password: registration, sign-in,
// new passwords.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include "kith/core/scheduler.h"
#include "kith/server/ports/directory.h"
#include "server/auth/account_tokens.h"
#include "server/auth/ended_rights.h"
#include "server/auth/password_hasher.h"
#include "src/guard.h"

namespace kith::v1 {
class ChangePassword;
class Register;
class SignIn;
class SignedIn;
}  // namespace kith::v1

namespace kith::server {

// Loop thread. Answers may come inside the call; none comes once it has gone.
class OwnAccounts {
 public:
  struct Ports {
    Directory& directory;
    Users& users;
    Devices& devices;
    PasswordHasher& passwords;
    Clock& clock;
    EndedRights& rights;
    const AccountTokens& tokens;
  };
  struct Options {
    bool offered = false;
    std::chrono::milliseconds token_life{0};
  };
  // All outlive this.
  OwnAccounts(Options options, const Ports& ports);
  // Prepares the hash with which passwords for unknown handles are compared. Called once, before the first request.
  void start();

  // See SignIn.
  void register_account(const v1::Register& request, const Turn& turn, Done<v1::SignedIn> done);
  void sign_in(const v1::SignIn& request, const Turn& turn, Done<v1::SignedIn> done);
  using Changed = std::pair<v1::SignedIn, Admission>;
  void change_password(const Admission& current, const v1::ChangePassword& request,
                       const Turn& turn, Done<Changed> done);
  void check_password(const UserId& user, const Turn& turn, const std::string& password,
                      Done<void> done);
  void set_password(const UserId& user, const std::string& password, Done<void> done);

 private:
  struct Verified {
    std::string hash;  // empty: no such user, or no password
    bool fits = false;
    std::uint64_t before = 0;  // EndedRights::count(), when the hash was read
  };
  // Takes as long for a missing user and for a user without a password.
  void verify(const UserId& user, const Turn& turn, const std::string& password,
              Done<Verified> done);
  // Fails with kPermissionDenied, kUnauthenticated; otherwise returns the hash that the password fits.
  void verify_own(const UserId& user, const Turn& turn, const std::string& password,
                  Done<std::string> done);
  // Fails with kUnauthenticated if the password was replaced while it was hashed.
  void check_current(const UserId& user, const Verified& verified, Done<void> done);
  void let_in(const v1::SignIn& request, const Verified& verified, Done<v1::SignedIn> done);
  void replace_password(const UserId& user, const UserChange& change, Done<Users::Record> done);
  void note_change(const Admission& current, const std::string& old_hash, const std::string& hash,
                   Done<Changed> done);
  [[nodiscard]] v1::SignedIn sign(const AccountToken& token) const;
  [[nodiscard]] AccountToken new_token(const std::string& handle, const DeviceId& device,
                                       const LastEnded& after) const;

  const Options options_;
  const Ports ports_;
  std::string dummy_hash_;                             // verified for unknown handles
  std::unordered_map<UserId, std::size_t> replacing_;  // passwords on their way to the directory
  Guard guard_;
};

}  // namespace kith::server
