// EndedRights knows whether what somebody comes in by has been ended since: by a revocation, a new password, or the end
// of the account.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/directory.h"
#include "server/auth/admission.h"
#include "server/users/devices.h"
#include "server/users/users.h"

namespace kith::server {

// Loop thread. Answers may come inside the call. Kept by a shared_ptr, which questions under way share.
class EndedRights : public std::enable_shared_from_this<EndedRights> {
 public:
  // All must outlive it.
  EndedRights(Users& users, Devices& devices, Clock& clock)
      : users_(users), devices_(devices), clock_(clock) {}

  // The last step of every way in. Answers the admission, or kRevoked, or kTokenExpired where the server's clock was
  // set right.
  void check(Admission admission, Done<Admission> done);
  // The same for a token of the host, which is remembered with the device before it lets in.
  void check_token(const Admission& admission, const DeviceRecord& arriving, Done<Admission> done);
  // Answers when tokens of the user and of this device had last been ended: one that is made now says so.
  void last_ended_of(const UserId& user, const DeviceId& device, Done<LastEnded> done);
  // Brings what was ended while this server's clock was ahead down to now; true: something was. Tokens that are made
  // from here on are good.
  void set_right(const UserId& user, Done<bool> done);

  // Something was ended: who is coming in just now is looked at again.
  void note() { ++count_; }
  // How often something was.
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
};

}  // namespace kith::server
