// Admission: who has come in, with which device and by what right.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

struct Admission {
  UserId user;
  DeviceId device;
  std::int64_t issued_ms = 0;   // of the token; revocation compares with it
  std::int64_t expires_ms = 0;  // 0 = never
  std::string token_id{};       // of a host's token; empty for own accounts
};

// Has what the admission rests on been ended since? kRevoked. `devices`: all of the user.
Status check_not_ended(const Admission& admission, const UserRecord& user,
                       const std::vector<DeviceRecord>& devices, std::int64_t now_ms);

// Clocks step by themselves by no more.
inline constexpr std::int64_t kClockStepMs = 60'000;
// What was ended while the server's clock was ahead would be ended until then.
bool ended_in_the_future(const UserRecord& user, std::int64_t now_ms);
bool ended_in_the_future(const DeviceRecord& device, std::int64_t now_ms);

// Does the directory know that this device came in with this token?
bool token_noted(const Admission& admission, const std::vector<DeviceRecord>& devices);

}  // namespace kith::server
