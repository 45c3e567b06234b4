// Push: one encoded frame on its way to many sessions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "kith/core/ids.h"
#include "kith/server/ports/bus.h"

namespace kith::v1 {
class ServerFrame;
}

namespace kith::server {

struct Push {
  std::shared_ptr<const std::string> frame;  // null: it did not fit into a frame
  DeliveryClass cls = DeliveryClass::kEvent;
  // With kEvent: the head that a lagging session gets instead. With kReceipt: a newer push replaces it.
  ConversationId conversation;
  std::uint64_t last_seq = 0;
  std::uint64_t ordinal = 0;
  std::shared_ptr<const std::string> redacted{};  // as Delivery::redacted
};
Push make_push(const v1::ServerFrame& frame, DeliveryClass cls);

}  // namespace kith::server
