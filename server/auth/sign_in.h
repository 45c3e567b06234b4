// SignIn decides who may sign in: by tokens of the host, tokens and passwords of the server's
// accounts, and resume tickets, as far as they are not revoked.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/ids.h"
#include "kith/core/scheduler.h"
#include "kith/core/time.h"
#include "kith/server/hooks.h"
#include "kith/server/ports/directory.h"
#include "server/auth/admission.h"
#include "server/auth/own_accounts.h"
#include "server/auth/password_hasher.h"
#include "server/auth/token_entry.h"
#include "server/users/devices.h"
#include "server/users/users.h"

namespace kith::server {

struct SignInOptions {
  std::string secret;
  std::shared_ptr<Authenticator> authenticator;  // null: accounts of the server only
  bool register_accounts = false;
  std::chrono::milliseconds account_token_life{0};
  std::string previous_secret{};  // verifies too; empty: none
  Home home{};
};

// Loop thread. Answers may come inside the call.
class SignIn {
 public:
  SignIn(const SignInOptions& options, Directory& directory, Users& users, Devices& devices,
         PasswordHasher& passwords, Scheduler& scheduler);

  // Errors: kUnauthenticated, kTokenExpired, kRevoked, kUnavailable. Admits a user of another home without looking at
  // them: Admission::elsewhere.
  void admit(const v1::Hello& hello, Done<Admission> done) { entry_.admit(hello, std::move(done)); }
  // Takes a fresh token for a running session; it must be the same user's.
  void renew(const Admission& current, const std::string& token, Done<Admission> done) {
    entry_.renew(current, token, std::move(done));
  }
  void register_account(const v1::Register& request, const Turn& turn, Done<v1::SignedIn> done) {
    accounts_.register_account(request, turn, std::move(done));
  }
  // A wrong handle and a wrong password get the same answer, after the same time.
  void sign_in(const v1::SignIn& request, const Turn& turn, Done<v1::SignedIn> done) {
    accounts_.sign_in(request, turn, std::move(done));
  }
  [[nodiscard]] Result<std::string> ticket(const Admission& admission) const {
    return tokens_.issue_ticket(admission, clock_.wall());
  }

  // The token for this device that replaces all earlier ones, and the session's new admission. The
  // caller ends the sessions of the other devices.
  using Changed = OwnAccounts::Changed;
  // Errors: kUnauthenticated (the old password is wrong), kPermissionDenied (the server does not
  // keep this account), kOverloaded.
  void change_password(const Admission& current, const v1::ChangePassword& request,
                       const Turn& turn, Done<Changed> done) {
    accounts_.change_password(current, request, turn, std::move(done));
  }
  // Returns ok if it is the password of this account. Errors as above.
  void check_password(const UserId& user, const Turn& turn, const std::string& password,
                      Done<void> done) {
    accounts_.check_password(user, turn, password, std::move(done));
  }
  // For the operator: sets a password and revokes every earlier token and ticket. Fails with
  // kNotFound, kPermissionDenied. The caller ends the sessions.
  void set_password(const UserId& user, const std::string& password, Done<void> done) {
    accounts_.set_password(user, password, std::move(done));
  }
  // Judges sign-ins from now on by these, which Server::reload() has checked.
  void use_authenticator(std::shared_ptr<Authenticator> authenticator) {
    entry_.use_authenticator(std::move(authenticator));
  }
  void use_secrets(std::string_view secret, std::string_view previous) {
    tokens_ = AccountTokens(secret, previous);
  }
  // A token, a device or an account was revoked: sign-ins under way are checked again.
  void note_ended() { rights_.note(); }

 private:
  Clock& clock_;
  AccountTokens tokens_;
  EndedRights rights_;
  TokenEntry entry_;
  OwnAccounts accounts_;
};

}  // namespace kith::server
