// Requests about conversations, routed.
#include "server/dispatch/conversation_requests.h"

#include <variant>

#include "kith/v1/frame.pb.h"

namespace kith::server {

ConversationRequests::ConversationRequests(ConversationShard& shard, Relations& relations,
                                           Fanout& fanout, Scheduler& scheduler,
                                           std::uint32_t large_pushes_per_s)
    : shard_(shard),
      creations_(scheduler),
      events_(shard, fanout, scheduler, large_pushes_per_s),
      receipt_pusher_(shard, fanout, scheduler),
      blocks_(shard, relations, scheduler),
      sends_(shard, creations_, relations, blocks_, events_, scheduler),
      groups_(shard, creations_, relations, scheduler),
      receipts_(shard, creations_, relations, events_, scheduler),
      history_(shard, creations_) {
  shard_.ownership().on_serving([this](bool) { blocks_.forget(); });
  shard_.on_decided([this](const LogEntry& entry, const Outcome& outcome, const Conversation& c) {
    if (std::holds_alternative<BlockOp>(entry.record.op)) return;  // invisible
    events_.decided(entry, outcome, c);
    receipt_pusher_.decided(entry, outcome, c);
  });
}

ConversationRequests::~ConversationRequests() {
  shard_.on_decided(nullptr);
  shard_.ownership().on_serving(nullptr);
}

bool ConversationRequests::knows(const v1::ClientFrame& frame) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kSend:
    case v1::ClientFrame::kAckEvents:
    case v1::ClientFrame::kMarkRead:
    case v1::ClientFrame::kGetEvents:
    case v1::ClientFrame::kGetReaders:
    case v1::ClientFrame::kCreateConversation:
    case v1::ClientFrame::kMemberChange:
    case v1::ClientFrame::kUpdateMeta:
    case v1::ClientFrame::kGetMembers:
      return true;
    default:
      return false;
  }
}

bool ConversationRequests::handle(const Caller& caller, const v1::ClientFrame& frame,
                                  const Reply& reply) {
  return handle(caller, v1::ClientFrame(frame), Reply(reply));
}

bool ConversationRequests::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kSend:
    case v1::ClientFrame::kAckEvents: {
      RequestView request;
      request.read(frame);
      handle(caller, request, std::move(reply));
      return true;
    }
    case v1::ClientFrame::kMarkRead:
      receipts_.mark_read(caller, frame.mark_read(), reply);
      return true;
    case v1::ClientFrame::kGetEvents:
      history_.get_events(caller, frame.get_events(), reply);
      return true;
    case v1::ClientFrame::kGetReaders:
      history_.get_readers(caller, frame.get_readers(), reply);
      return true;
    case v1::ClientFrame::kCreateConversation:
      groups_.create(caller, frame.create_conversation(), reply);
      return true;
    case v1::ClientFrame::kMemberChange:
      groups_.change_members(caller, frame.member_change(), reply);
      return true;
    case v1::ClientFrame::kUpdateMeta:
      groups_.change_meta(caller, frame.update_meta(), reply);
      return true;
    case v1::ClientFrame::kGetMembers:
      history_.get_members(caller, frame.get_members(), reply);
      return true;
    default:
      return false;
  }
}

void ConversationRequests::handle(const Caller& caller, const RequestView& request, Reply&& reply) {
  if (request.kind == RequestView::Kind::kSend) {
    sends_.send(caller, request, std::move(reply));
  } else {
    receipts_.ack(caller, request);
  }
}

}  // namespace kith::server
