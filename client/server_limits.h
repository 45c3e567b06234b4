// ServerLimits: the bounds in the server's Welcome, never above this release's own.
#pragma once

#include <algorithm>
#include <cstddef>

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"

namespace kith::client {

struct ServerLimits {
  std::size_t frame_bytes = limits::frame_bytes_max;
  std::size_t body_bytes = limits::body_bytes_max;
  std::size_t batch_items = limits::batch_items_max;
  std::size_t presence_subscriptions = limits::presence_subscriptions_max;
};

inline ServerLimits server_limits(const v1::Limits& told) {
  const auto lower = [](std::size_t own, std::size_t theirs) {
    return theirs == 0 ? own : std::min(own, theirs);  // 0 = not said
  };
  const ServerLimits own;
  return {lower(own.frame_bytes, told.frame_bytes_max()),
          lower(own.body_bytes, told.body_bytes_max()),
          lower(own.batch_items, told.batch_items_max()),
          lower(own.presence_subscriptions, told.presence_subscriptions_max())};
}

}  // namespace kith::client
