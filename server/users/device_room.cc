// Device room: who is forgotten, and what may be revoked.
#include "server/users/device_room.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

bool token_ended(const TokenUse& use) {
  return use.ended;
}

bool ever_revoked(const DeviceRecord& device) {
  return device.revoked_ms != 0 || device.spared_ms != 0 ||
         std::any_of(device.tokens.begin(), device.tokens.end(), token_ended);
}

auto with_id(const DeviceId& id) {
  return [id](const DeviceRecord& device) { return device.id == id; };
}

}  // namespace

std::vector<DeviceId> devices_giving_way(const std::vector<DeviceRecord>& devices,
                                         const DeviceId& coming,
                                         const std::function<bool(const DeviceId&)>& online) {
  if (std::any_of(devices.begin(), devices.end(), with_id(coming))) return {};
  std::vector<std::pair<std::pair<bool, std::int64_t>, DeviceId>> candidates;
  for (const DeviceRecord& device : devices) {
    if (ever_revoked(device)) continue;
    candidates.push_back({{online && online(device.id), device.last_seen_ms}, device.id});
  }
  if (candidates.size() < limits::account_devices_max) return {};
  std::sort(candidates.begin(), candidates.end());
  candidates.resize(candidates.size() + 1 - limits::account_devices_max);
  std::vector<DeviceId> leaving;
  for (const auto& [rank, id] : candidates) leaving.push_back(id);
  return leaving;
}

std::vector<DeviceId> devices_covered(const std::vector<DeviceRecord>& devices,
                                      std::int64_t tokens_valid_from_ms) {
  std::vector<DeviceId> covered;
  for (const DeviceRecord& device : devices) {
    const bool over = device.revoked_ms != 0 && device.revoked_ms < tokens_valid_from_ms &&
                      device.last_seen_ms <= device.revoked_ms && device.spared_ms == 0 &&
                      device.tokens_dropped_ms == 0;
    const bool dated =
        std::all_of(device.tokens.begin(), device.tokens.end(), [&](const TokenUse& use) {
          return use.issued_ms != 0 && use.issued_ms < tokens_valid_from_ms;
        });
    if (over && dated) covered.push_back(device.id);
  }
  return covered;
}

Status may_revoke(const std::vector<DeviceRecord>& devices, const DeviceId& device) {
  const auto found = std::find_if(devices.begin(), devices.end(), with_id(device));
  if (found == devices.end()) {
    return make_error(ErrorCode::kNotFound, "the account has no such device");
  }
  if (ever_revoked(*found)) return {};
  const auto revoked = std::count_if(devices.begin(), devices.end(), ever_revoked);
  if (static_cast<std::size_t>(revoked) < limits::account_devices_max) return {};
  return make_error(ErrorCode::kLimitExceeded,
                    "too many devices were revoked one by one: revoke all others");
}

}  // namespace kith::server
