// Do both readers of a request say the same?
#pragma once

#include <algorithm>

#include "kith/v1/frame.pb.h"
#include "src/request_view.h"

namespace kith::test {

inline bool same(const RequestView& view, const RequestView::Message& message,
                 const v1::OutMessage& item) {
  const auto mentions = view.mentions_of(message);
  return message.id == item.message_id() && message.content == item.content() &&
         message.reply_to_message_id == item.reply_to_message_id() &&
         message.reply_to_seq == item.reply_to_seq() &&
         message.client_ts_ms == item.client_ts_ms() && message.attempt == item.attempt() &&
         std::equal(mentions.begin(), mentions.end(), item.mentions().begin(),
                    item.mentions().end());
}

inline bool same(const RequestView& view, const v1::ClientFrame& frame) {
  if (view.req_id != frame.req_id()) return false;
  if (view.kind == RequestView::Kind::kSend) {
    const v1::SendBatch& send = frame.send();
    return frame.has_send() && view.conversation == send.conversation_id() &&
           view.direct_peer == send.direct_peer() &&
           std::equal(
               view.messages.begin(), view.messages.end(), send.items().begin(), send.items().end(),
               [&](const auto& message, const auto& item) { return same(view, message, item); });
  }
  const auto& upto = frame.ack_events().upto();
  return frame.has_ack_events() &&
         std::equal(view.upto.begin(), view.upto.end(), upto.begin(), upto.end(),
                    [](const RequestView::Head& head, const v1::HeadRef& ref) {
                      return head.conversation == ref.conversation_id() && head.seq == ref.seq();
                    });
}

}  // namespace kith::test
