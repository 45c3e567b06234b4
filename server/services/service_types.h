// Small types that the services share: who asks, how they are answered, what they push.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kith/core/ids.h"
#include "kith/core/result.h"
#include "kith/server/ports/bus.h"
#include "server/services/reply.h"

namespace kith::v1 {
class ServerFrame;
}

namespace kith::server {

// The signed-in session on whose behalf a request is handled.
struct Caller {
  UserId user;
  DeviceId device;
  std::uint64_t session = 0;  // of this process's gateway
};

// One encoded frame on its way to many sessions.
struct Push {
  std::shared_ptr<const std::string> frame;
  DeliveryClass cls = DeliveryClass::kEvent;
  // With kEvent: what a lagging session is told instead. With kReceipt: a newer one takes its place.
  ConversationId conversation;
  std::uint64_t last_seq = 0;
  std::uint64_t ordinal = 0;
};
Push make_push(const v1::ServerFrame& frame, DeliveryClass cls);

}  // namespace kith::server
