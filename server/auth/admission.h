// Admission: who has come in, with which device and by what right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// When what lets somebody in had last been ended, as the directory told it when a token of an own
// account was made. It says which revocations came before; clocks say that only while nobody sets
// them.
struct LastEnded {
  std::int64_t user_ms = 0;    // UserRecord::tokens_valid_from_ms
  std::int64_t device_ms = 0;  // DeviceRecord::revoked_ms
};
// Returns what a token that is made for this device now is made after.
LastEnded last_ended(const UserRecord& user, const std::vector<DeviceRecord>& devices,
                     const DeviceId& device);

struct Admission {
  UserId user;
  DeviceId device;
  std::int64_t issued_ms = 0;   // of the token; a revocation of a host's tokens compares with it
  std::int64_t expires_ms = 0;  // 0 = never
  std::string token_id{};       // of a host's token; empty for own accounts
  LastEnded after{};            // of own accounts
};

// Has what the admission rests on been ended since? kRevoked. `devices`: all of the user.
Status check_not_ended(const Admission& admission, const UserRecord& user,
                       const std::vector<DeviceRecord>& devices, std::int64_t now_ms);

// Ended while the server's clock was ahead, and so until its time has come.
bool ended_in_the_future(const UserRecord& user, std::int64_t now_ms);
bool ended_in_the_future(const DeviceRecord& device, std::int64_t now_ms);

// Does the directory know that this device came in with this token?
bool token_noted(const Admission& admission, const std::vector<DeviceRecord>& devices);

}  // namespace kith::server
