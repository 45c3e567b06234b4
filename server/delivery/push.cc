// Pushes, encoded.
#include "server/delivery/push.h"

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::server {

Push make_push(const v1::ServerFrame& frame, DeliveryClass cls) {
  Push push;
  push.cls = cls;
  // A push that does not fit in a frame is a bug of its maker; the receiver repairs it by sync.
  auto bytes = encode(frame);
  if (bytes) push.frame = std::make_shared<const std::string>(*std::move(bytes));
  return push;
}

}  // namespace kith::server
