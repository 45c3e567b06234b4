// Device room: chooses the devices of an account to remove, so that there are never too many. A revoked device
// is removed only when none of its tokens could come back. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "kith/core/ids.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

// Returns the devices that give way to `coming`, if it is new: among those never revoked the ones that were away the
// longest, first those without a session.
std::vector<DeviceId> devices_giving_way(const std::vector<DeviceRecord>& devices,
                                         const DeviceId& coming,
                                         const std::function<bool(const DeviceId&)>& online);

// Revoked ones whose tokens are all of before `tokens_valid_from_ms` and therefore refused anyway.
std::vector<DeviceId> devices_covered(const std::vector<DeviceRecord>& devices,
                                      std::int64_t tokens_valid_from_ms);

// kNotFound: there is no such device. kLimitExceeded: as many as are remembered were revoked one by one already.
Status may_revoke(const std::vector<DeviceRecord>& devices, const DeviceId& device);

}  // namespace kith::server
