// NewConversations: people by their ids, placeholders by their rows.
#include "client/new_conversations.h"

#include "kith/v1/frame.pb.h"

namespace kith::client {

ConversationId NewConversations::direct(const UserId& peer) {
  const ConversationId id = ConversationId::direct(model_.self(), peer);
  if (!model_.find(id)) peers_[id].user = peer;
  return id;
}

ConversationId NewConversations::direct(const std::string& handle) {
  const ConversationId id = direct(UserId::of(handle));
  if (const auto it = peers_.find(id); it != peers_.end()) it->second.handle = handle;
  return id;
}

UserId NewConversations::peer_of(const ConversationId& id) const {
  if (const ConversationRecord* known = model_.find(id))
    return known->type == ConversationType::kDirect ? known->peer : UserId();
  const auto it = peers_.find(id);
  return it == peers_.end() ? UserId() : it->second.user;
}

void NewConversations::add_placeholder(const OutboxRow& row) {
  const bool group = row.kind == OutboxKind::kCreate;
  if (model_.find(row.conversation) || (row.peer.empty() && !group)) return;
  ConversationRecord record;
  record.id = row.conversation;
  record.last_ts_ms = row.created_ms;
  if (group) {
    v1::CreateConversation create;
    create.ParseFromString(row.payload);
    record.type = ConversationType::kGroup;
    record.title = create.title();
    record.role = MemberRole::kOwner;
    record.member_count = static_cast<std::uint32_t>(create.members_size()) + 1;
  } else {
    record.type = ConversationType::kDirect;
    record.peer = row.peer;
    record.role = MemberRole::kMember;
    record.member_count = 2;
    const auto it = peers_.find(row.conversation);
    if (it != peers_.end() && !it->second.handle.empty() && !model_.profile(row.peer))
      (void)model_.put_profiles({{row.peer, it->second.handle, ""}});
  }
  (void)model_.put(record);
}

}  // namespace kith::client
