// Requests about conversations, by partition.
#include "server/dispatch/partition_router.h"

#include <optional>
#include <set>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/records/partition.h"
#include "src/frame_codec.h"
#include "src/request_view.h"

namespace kith::server {
namespace {

// The conversation that the request is about.
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

void PartitionRouter::set_secret(const std::string& secret) {
  for (PartitionOwner* owner : owners_) owner->set_secret(secret);
}

void PartitionRouter::session_opened(const Caller& caller) {
  if (keeps_sessions_) sessions_[caller.session] = caller;
  for (PartitionOwner* owner : owners_) owner->session_opened(caller);
  tell_listens(caller.user, std::nullopt);
}

// All partitions, or one of them.
void PartitionRouter::tell_listens(const UserId& user, std::optional<std::uint32_t> partition) {
  feed_.large(user,
              guard_.wrap([this, user, partition](const Result<std::vector<FeedEntry>>& groups) {
                // Without it the next sync finds what is missed.
                if (!groups || groups->empty()) return;
                std::vector<std::vector<ConversationId>> parts(owners_.size());
                for (const FeedEntry& entry : *groups) {
                  parts[partition_of(entry.conversation, count())].push_back(entry.conversation);
                }
                for (std::uint32_t i = 0; i < count(); ++i) {
                  const bool wanted = !partition || *partition == i;
                  if (wanted && !parts[i].empty()) owners_[i]->listens(user, std::move(parts[i]));
                }
              }));
}

void PartitionRouter::session_closed(const Caller& caller) {
  sessions_.erase(caller.session);
  for (PartitionOwner* owner : owners_) owner->session_closed(caller);
}

void PartitionRouter::reached(std::uint32_t partition) {
  owners_[partition]->forget_blocks();
  std::set<UserId> users;
  for (const auto& [session, caller] : sessions_) {
    owners_[partition]->session_opened(caller);
    users.insert(caller.user);
  }
  for (const UserId& user : users) tell_listens(user, partition);
}

void PartitionRouter::set_block(const UserId& by, const UserId& other, bool on, Done<void> done) {
  of(ConversationId::direct(by, other)).set_block(by, other, on, std::move(done));
}

void PartitionRouter::forget_blocks() {
  for (PartitionOwner* owner : owners_) owner->forget_blocks();
}

PartitionOwner& PartitionRouter::of(const ConversationId& id) const {
  return *owners_[partition_of(id, count())];
}

PartitionOwner& PartitionRouter::of(std::string_view bytes) {
  const auto id = count() == 1 ? std::nullopt : conversation_id(bytes);
  return id ? of(ConversationId(*id)) : *owners_.front();
}

void PartitionRouter::handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply) {
  if (frame.has_ack_events()) {
    RequestView request;
    request.read(frame);
    return handle(caller, request, std::move(reply));
  }
  of(conversation_of(frame)).handle(caller, std::move(frame), std::move(reply));
}

void PartitionRouter::handle(const Caller& caller, const RequestView& request, Reply&& reply) {
  if (request.kind == RequestView::Kind::kAck && count() > 1) return acknowledge(caller, request);
  of(request.conversation).handle(caller, request, std::move(reply));
}

// One request may name conversations of several partitions; nobody waits for an answer.
void PartitionRouter::acknowledge(const Caller& caller, const RequestView& request) {
  if (request.upto.size() == 1) {
    return of(request.upto.front().conversation).handle(caller, request, nullptr);
  }
  std::vector<RequestView> parts(count());
  for (const RequestView::Head& head : request.upto) {
    const auto id = conversation_id(head.conversation);
    if (id) parts[partition_of(ConversationId(*id), count())].upto.push_back(head);
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].upto.empty()) continue;
    parts[i].kind = RequestView::Kind::kAck;
    parts[i].req_id = request.req_id;
    owners_[i]->handle(caller, parts[i], nullptr);
  }
}

void PartitionRouter::with(const ConversationId& id, const UserId& reader,
                           Done<const Conversation*> done) {
  of(id).with(id, reader, std::move(done));
}

void PartitionRouter::events(const EventQuery& query, Done<std::vector<Event>> done) {
  of(query.conversation).events(query, std::move(done));
}

void PartitionRouter::append(LogRecord record, CommandAnswer answer) {
  PartitionOwner& owner = of(record.conversation);
  owner.append(std::move(record), std::move(answer));
}

void PartitionRouter::mark_user(const UserId& user, const DeviceId& device, Done<void> done) {
  owners_[partition_of(user, count())]->mark_user(user, device, std::move(done));
}

}  // namespace kith::server
