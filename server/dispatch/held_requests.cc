// HeldRequests: one load for all of a user's requests.
#include "server/dispatch/held_requests.h"

#include <string>

#include "src/request_view.h"

namespace kith::server {
namespace {

// A view goes with the bytes that it was read from.
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

}  // namespace

void HeldRequests::hold(const Caller& caller, const RequestView& request, Reply&& reply) {
  hold(caller, frame_of(request), std::move(reply));
}

void HeldRequests::hold(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  std::deque<Held>& waiting = held_[caller.user];
  if (waiting.size() >= kMax) {
    return reply_error(reply, make_error(ErrorCode::kOverloaded, "the account is being read"));
  }
  waiting.push_back({caller, std::move(frame), std::move(reply)});
  if (waiting.size() > 1) return;
  users_.with(caller.user,
              guard_.wrap([this, user = caller.user](const Result<Users::Record>& record) {
                loaded(user, record);
              }));
}

// A request that comes in the meantime goes last.
void HeldRequests::loaded(const UserId& user, const Result<Users::Record>& record) {
  const Guard::Watch here = guard_.watch();  // a callback may destroy this
  const auto waiting = held_.find(user);
  while (!waiting->second.empty()) {
    Held next = std::move(waiting->second.front());
    // Without a record the reading counts as private.
    next.caller.receipts = record && *record != nullptr && (*record)->privacy.receipts;
    if (!record && next.reply) {
      reply_error(next.reply, record.error());
    } else {
      go_(next.caller, std::move(next.frame), std::move(next.reply));
    }
    if (here.gone()) return;
    waiting->second.pop_front();
  }
  held_.erase(waiting);
}

}  // namespace kith::server
