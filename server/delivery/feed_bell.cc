// Notices of what was read.
#include "server/delivery/feed_bell.h"

#include "kith/v1/frame.pb.h"

namespace kith::server {

void FeedBell::ring(const FeedRing& ring) {
  v1::ServerFrame frame;
  auto* notice = frame.mutable_feed_notice();
  notice->set_ver(ring.ver);
  notice->set_conversation_id(ring.conversation.bytes());
  notice->set_last_seq(ring.last_seq);
  fanout_.to_user(ring.user, make_push(frame, DeliveryClass::kReceipt));
}

}  // namespace kith::server
