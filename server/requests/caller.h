// Caller: the signed-in session on whose behalf a request is handled.
#pragma once

#include <cstdint>

#include "kith/core/ids.h"

namespace kith::server {

struct Caller {
  UserId user;
  DeviceId device;
  std::uint64_t session = 0;  // of this process's gateway
  bool receipts = false;      // shares what they read, as of the request
};

}  // namespace kith::server
