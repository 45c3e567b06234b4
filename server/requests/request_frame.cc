// Requests from views to frames.
#include "server/requests/request_frame.h"

#include <string>

#include "kith/v1/frame.pb.h"
#include "src/request_view.h"

namespace kith::server {

v1::ClientFrame frame_of(const RequestView& request) {
  v1::ClientFrame frame;
  if (request.kind == RequestView::Kind::kAck) {
    for (const RequestView::Head& head : request.upto) {
      auto& upto = *frame.mutable_ack_events()->add_upto();
      upto.set_conversation_id(std::string(head.conversation));
      upto.set_seq(head.seq);
    }
    return frame;
  }
  auto& send = *frame.mutable_send();
  send.set_conversation_id(std::string(request.conversation));
  send.set_direct_peer(std::string(request.direct_peer));
  for (const RequestView::Message& from : request.messages) {
    v1::OutMessage& item = *send.add_items();
    item.set_message_id(std::string(from.id));
    item.set_attempt(from.attempt);
    item.set_content(std::string(from.content));
    item.set_reply_to_seq(from.reply_to_seq);
    item.set_reply_to_message_id(std::string(from.reply_to_message_id));
    for (const std::string_view user : request.mentions_of(from)) {
      item.add_mentions(std::string(user));
    }
    item.set_client_ts_ms(from.client_ts_ms);
  }
  return frame;
}

}  // namespace kith::server
