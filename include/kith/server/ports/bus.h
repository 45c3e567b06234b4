// Bus carries frames from the services to the gateways that hold the receiving sessions. It delivers at
// most once, in order per gateway: a doorbell, not a store. It says when it has lost something, and
// a client's sync then fetches it.
//
// Keeps:    nothing. A delivery to a gateway without a handler is lost.
// Order:    deliveries to one gateway arrive in the order of publish(), each once or not at all, and
//           unchanged.
// Loss:     `lost` of a gateway runs within 5 s of a loss of deliveries to it, once for one or many, and
//           without a loss never. Deliveries go on behind it.
// Threads:  methods and handlers on the loop of the server; both handlers may run inside publish(), and
//           may unsubscribe their gateway. None runs after unsubscribe() or the destructor.
// Blocking: no call; all return at once.
// Bounds:   a frame has at most limits::frame_bytes_max bytes. An adapter that cannot keep up drops the
//           oldest deliveries instead of queuing them, and calls `lost`.
// Failure:  publish() returns nothing: no caller waits for a delivery or repeats it.
// Proof:    kith/conformance/bus_suite.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/ids.h"

namespace kith::server {

// The order in which frames yield when a connection is slow; lower = dropped or replaced earlier.
enum class DeliveryClass : std::uint8_t {
  kEphemeral = 0,
  kReceipt = 1,
  kEvent = 2,
  kReply = 3,
  kControl = 4
};

struct Delivery {
  std::vector<std::uint64_t> sessions;       // of the gateway
  std::shared_ptr<const std::string> frame;  // one encoded ServerFrame, shared by all receivers
  // Replaces `frame` for users who keep their own reading private and therefore see nothing of others' reading. Null:
  // `frame` is for everybody.
  std::shared_ptr<const std::string> redacted{};
  DeliveryClass cls = DeliveryClass::kEvent;
  // For kEvent: the head that a lagging session gets instead of the frame.
  ConversationId conversation;
  std::uint64_t last_seq = 0;
  std::uint64_t ordinal = 0;
};

class KITH_API Bus {
 public:
  virtual ~Bus() = default;
  // Does not keep a reference to `delivery` after it returns.
  virtual void publish(const std::string& gateway, const Delivery& delivery) = 0;
  // `lost`: deliveries to this gateway from before now may be missing.
  virtual void subscribe(const std::string& gateway, std::function<void(const Delivery&)> handler,
                         std::function<void()> lost) = 0;
  virtual void unsubscribe(const std::string& gateway) = 0;
};

}  // namespace kith::server
