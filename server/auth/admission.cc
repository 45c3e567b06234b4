// Checks whether a token or a ticket was revoked.
#include "server/auth/admission.h"

#include <algorithm>

#include "kith/core/limits.h"
#include "kith/core/time.h"

namespace kith::server {
namespace {

constexpr std::int64_t kClockStepMs = Millis(limits::clock_step).count();

const TokenUse* find_token(const DeviceRecord& device, const std::string& id) {
  const auto found = std::find_if(device.tokens.begin(), device.tokens.end(),
                                  [&](const TokenUse& use) { return use.id == id; });
  return found == device.tokens.end() ? nullptr : &*found;
}

// All others were revoked, by this device or for it.
bool spared(const Admission& admission, const UserRecord& user, const DeviceRecord& device) {
  if (device.spared_ms == 0 || device.spared_ms < user.tokens_valid_from_ms) return false;
  if (admission.token_id.empty()) return true;
  const TokenUse* use = find_token(device, admission.token_id);
  return use != nullptr && !use->ended;
}

// Returns true if the token was made before `end`. A token made while this server's clock was ahead
// cannot be distinguished from an earlier one, and counts as one.
bool made_before(const Admission& admission, std::int64_t end_ms, std::int64_t now_ms) {
  if (admission.issued_ms == 0 || end_ms == 0) return false;
  const bool of_the_future = admission.issued_ms > now_ms + kClockStepMs;
  return admission.issued_ms < end_ms || (of_the_future && end_ms <= now_ms + kClockStepMs);
}

// Tokens of the server's accounts are valid for their device only, a host's for any: a host's is looked for
// in all devices.
bool ended_with(const Admission& admission, const DeviceRecord& device, std::int64_t now_ms) {
  if (admission.token_id.empty()) {
    return device.id == admission.device && device.revoked_ms != admission.after.device_ms;
  }
  if (device.id == admission.device && device.revoked_ms != 0 &&
      made_before(admission, device.revoked_ms + 1, now_ms)) {
    return true;
  }
  if (const TokenUse* use = find_token(device, admission.token_id); use != nullptr && use->ended) {
    return true;
  }
  return device.revoked_ms != 0 && device.tokens_dropped_ms != 0 &&
         admission.issued_ms <= device.tokens_dropped_ms;
}

}  // namespace

LastEnded last_ended(const UserRecord& user, const std::vector<DeviceRecord>& devices,
                     const DeviceId& device) {
  LastEnded last{user.tokens_valid_from_ms, 0};
  for (const DeviceRecord& one : devices) {
    if (one.id == device) last.device_ms = one.revoked_ms;
  }
  return last;
}

Status check_not_ended(const Admission& admission, const UserRecord& user,
                       const std::vector<DeviceRecord>& devices, std::int64_t now_ms) {
  const bool own = admission.token_id.empty();
  bool of_before = own ? user.tokens_valid_from_ms != admission.after.user_ms
                       : made_before(admission, user.tokens_valid_from_ms, now_ms);
  for (const DeviceRecord& device : devices) {
    if (ended_with(admission, device, now_ms)) {
      return make_error(ErrorCode::kRevoked, "this device, or its token, was revoked");
    }
    if (device.id == admission.device && spared(admission, user, device)) of_before = false;
  }
  if (of_before) return make_error(ErrorCode::kRevoked, "the user's sessions were revoked");
  return {};
}

bool ended_in_the_future(const UserRecord& user, std::int64_t now_ms) {
  return user.tokens_valid_from_ms > now_ms + kClockStepMs;
}

bool ended_in_the_future(const DeviceRecord& device, std::int64_t now_ms) {
  return device.revoked_ms > now_ms + kClockStepMs;
}

bool token_noted(const Admission& admission, const std::vector<DeviceRecord>& devices) {
  return std::any_of(devices.begin(), devices.end(), [&](const DeviceRecord& device) {
    return device.id == admission.device && find_token(device, admission.token_id) != nullptr;
  });
}

}  // namespace kith::server
