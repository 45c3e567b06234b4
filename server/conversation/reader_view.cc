// The part of a conversation that a question of one reader may need.
#include "server/conversation/reader_view.h"

#include "kith/core/limits.h"
#include "server/records/roster.h"

namespace kith::server {

Conversation reader_view(const Conversation& conversation, const UserId& reader) {
  Conversation view{conversation.head, {}};
  if (conversation.head.member_count > limits::receipt_detail_members_max) {
    const Member* member = find_member(conversation, reader);
    if (member != nullptr) view.members.push_back(*member);
    return view;
  }
  for (const Member& member : conversation.members) {
    const bool other_side = conversation.head.type == ConversationType::kDirect;
    if (member.active() || other_side || member.user == reader) view.members.push_back(member);
  }
  return view;
}

}  // namespace kith::server
