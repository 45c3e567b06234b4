// Requests about conversations, by partition.
#include "server/dispatch/partition_requests.h"

#include <utility>

#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::server {
namespace {

// The conversation that the request is about; of a sync, which is about all of them, none.
std::string_view conversation_of(const v1::ClientFrame& frame) {
  switch (frame.body_case()) {
    case v1::ClientFrame::kSend:
      return frame.send().conversation_id();
    case v1::ClientFrame::kMarkRead:
      return frame.mark_read().conversation_id();
    case v1::ClientFrame::kGetEvents:
      return frame.get_events().conversation_id();
    case v1::ClientFrame::kGetReaders:
      return frame.get_readers().conversation_id();
    case v1::ClientFrame::kCreateConversation:
      return frame.create_conversation().conversation_id();
    case v1::ClientFrame::kMemberChange:
      return frame.member_change().conversation_id();
    case v1::ClientFrame::kUpdateMeta:
      return frame.update_meta().conversation_id();
    case v1::ClientFrame::kGetMembers:
      return frame.get_members().conversation_id();
    default:
      return {};
  }
}

}  // namespace

void PartitionRequests::set_secret(std::string_view secret) {
  for (const auto& partition : partitions_) partition->set_secret(secret);
}

void PartitionRequests::on_cold_heads(const ReceiptIntake::ColdHeads& cold) {
  for (const auto& partition : partitions_) partition->on_cold_heads(cold);
}

void PartitionRequests::session_opened(const Caller& caller) {
  for (const auto& partition : partitions_) partition->session_opened(caller);
}

void PartitionRequests::session_closed(const Caller& caller) {
  for (const auto& partition : partitions_) partition->session_closed(caller);
}

void PartitionRequests::set_block(const UserId& by, const UserId& other, bool on, Done<void> done) {
  of(ConversationId::direct(by, other).view()).blocks().set(by, other, on, std::move(done));
}

void PartitionRequests::forget_blocks() {
  for (const auto& partition : partitions_) partition->blocks().forget();
}

ConversationRequests& PartitionRequests::of(std::string_view bytes) {
  const auto count = static_cast<std::uint32_t>(partitions_.size());
  const auto id = count == 1 ? std::nullopt : conversation_id(bytes);
  return *partitions_[id ? partition_of(ConversationId(*id), count) : 0];
}

bool PartitionRequests::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  if (frame.has_ack_events()) {
    RequestView request;
    request.read(frame);
    handle(caller, request, std::move(reply));
    return true;
  }
  ConversationRequests& partition = of(conversation_of(frame));
  return partition.handle(caller, std::move(frame), std::move(reply));
}

void PartitionRequests::handle(const Caller& caller, const RequestView& request, Reply&& reply) {
  if (request.kind == RequestView::Kind::kAck && partitions_.size() > 1) {
    return acknowledge(caller, request);
  }
  of(request.conversation).handle(caller, request, std::move(reply));
}

// One request may name conversations of several partitions; nobody waits for an answer.
void PartitionRequests::acknowledge(const Caller& caller, const RequestView& request) {
  const auto count = static_cast<std::uint32_t>(partitions_.size());
  std::vector<RequestView> parts(count);
  for (const RequestView::Head& head : request.upto) {
    const auto id = conversation_id(head.conversation);
    if (id) parts[partition_of(ConversationId(*id), count)].upto.push_back(head);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    if (parts[i].upto.empty()) continue;
    parts[i].kind = RequestView::Kind::kAck;
    parts[i].req_id = request.req_id;
    partitions_[i]->handle(caller, parts[i], nullptr);
  }
}

}  // namespace kith::server
