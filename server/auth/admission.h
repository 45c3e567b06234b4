// Admission: the user and device of a session, and the token or ticket behind it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// The times of the last revocations, as the directory had them when a token of one of the server's
// accounts was made. Comparing them shows whether a revocation came later, also if a clock was set
// meanwhile.
struct LastEnded {
  std::int64_t user_ms = 0;    // UserRecord::tokens_valid_from_ms
  std::int64_t device_ms = 0;  // DeviceRecord::revoked_ms
};
// Returns the last revocations, for a token that is made for this device now.
LastEnded last_ended(const UserRecord& user, const std::vector<DeviceRecord>& devices,
                     const DeviceId& device);

struct Admission {
  UserId user;
  DeviceId device;
  std::int64_t issued_ms = 0;   // of the token; a revocation of a host's tokens compares with it
  std::int64_t expires_ms = 0;  // 0 = never
  std::string token_id{};       // of a host's token; empty for own accounts
  LastEnded after{};            // of own accounts
  bool elsewhere = false;       // the user is of another home: nothing else is known
};

// Fails with kRevoked if the token or ticket of the admission was revoked since. `devices`: all of the user.
Status check_not_ended(const Admission& admission, const UserRecord& user,
                       const std::vector<DeviceRecord>& devices, std::int64_t now_ms);

// Revoked while the server's clock was ahead, and so until that time has come.
bool ended_in_the_future(const UserRecord& user, std::int64_t now_ms);
bool ended_in_the_future(const DeviceRecord& device, std::int64_t now_ms);

// Returns true if the directory knows that this device has signed in with this token.
bool token_noted(const Admission& admission, const std::vector<DeviceRecord>& devices);

}  // namespace kith::server
