// TokenEntry signs in by tokens: those of the host's authenticator, those of the server's accounts, and
// resume tickets.
#pragma once

#include <memory>
#include <string>

#include "kith/core/scheduler.h"
#include "kith/server/hooks.h"
#include "kith/server/ports/directory.h"
#include "server/auth/account_tokens.h"
#include "server/auth/ended_rights.h"
#include "server/users/home.h"
#include "src/guard.h"

namespace kith::v1 {
class Hello;
}

namespace kith::server {

// Loop thread. Answers may come inside the call; the authenticator may answer from any thread.
class TokenEntry {
 public:
  struct Ports {
    Users& users;
    Devices& devices;
    Scheduler& scheduler;
    EndedRights& rights;
    const AccountTokens& tokens;
    const Home home{};
  };
  // `authenticator`: null: accounts of the server only. All of `ports` outlive this.
  TokenEntry(std::shared_ptr<Authenticator> authenticator, const Ports& ports)
      : authenticator_(std::move(authenticator)), ports_(ports) {}

  // See SignIn.
  void admit(const v1::Hello& hello, Done<Admission> done);
  void renew(const Admission& current, const std::string& token, Done<Admission> done);
  void use_authenticator(std::shared_ptr<Authenticator> authenticator) {
    authenticator_ = std::move(authenticator);
  }

 private:
  // Admits a user of this home by check(); of another one, nothing of them is looked at.
  template <class Check>
  void admit_own(const UserId& user, const Done<Admission>& done, Check check);
  void admit_ticket(const std::string& ticket, const DeviceId& device, Done<Admission> done);
  void admit_token(const std::string& token, const DeviceRecord& device, Done<Admission> done);
  void admit_identity(const Result<Identity>& identity, DeviceRecord device,
                      const std::string& token_digest, Done<Admission> done);
  void admit_known(const UserId& user, const Identity& identity, DeviceRecord device,
                   const std::string& token_digest, Done<Admission> done);
  [[nodiscard]] Timestamp now() const { return ports_.scheduler.clock().wall(); }

  std::shared_ptr<Authenticator> authenticator_;
  const Ports ports_;
  Guard guard_;
};

}  // namespace kith::server
