// EndedRights checks whether a token or ticket has been revoked since: by a revocation, a new password, or the end of
// the account.
#pragma once

#include <cstdint>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/directory.h"
#include "server/auth/admission.h"
#include "server/users/devices.h"
#include "server/users/users.h"
#include "src/guard.h"

namespace kith::server {

// Loop thread. Answers may come inside the call; none comes once it has gone.
class EndedRights {
 public:
  // All must outlive it.
  EndedRights(Users& users, Devices& devices, Clock& clock)
      : users_(users), devices_(devices), clock_(clock) {}

  // The last step of every sign-in. Returns the admission, or kRevoked, or kTokenExpired if the server's clock was
  // set right.
  void check(Admission admission, Done<Admission> done);
  // The same for a token of the host, which is stored with the device before the session begins.
  void check_token(const Admission& admission, const DeviceRecord& arriving, Done<Admission> done);
  // Returns the last revocations of the user's and this device's tokens, for a token that is made now.
  void last_ended_of(const UserId& user, const DeviceId& device, Done<LastEnded> done);
  // Lowers revocation times written while this server's clock was ahead to now; returns true if there were any.
  // Tokens made from here on are valid.
  void set_right(const UserId& user, Done<bool> done);

  // Something was revoked: sign-ins under way are checked again.
  void note() { ++count_; }
  // The number of revocations so far.
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  void check_devices(Admission admission, Users::Record user, Done<Admission> done);
  [[nodiscard]] bool ahead(const UserRecord& user, const std::vector<DeviceRecord>& list) const;
  void set_right(const UserId& user, const Users::Record& record, const Devices::List& list,
                 Done<bool> done);
  [[nodiscard]] std::int64_t now_ms() const { return clock_.wall().ms; }

  Users& users_;
  Devices& devices_;
  Clock& clock_;
  std::uint64_t count_ = 0;
  Guard guard_;
};

}  // namespace kith::server
