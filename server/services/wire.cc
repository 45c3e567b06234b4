// Plain records to protobuf, with what the reader must not see left out.
#include "server/services/wire.h"

#include "kith/v1/event.pb.h"
#include "kith/v1/send.pb.h"
#include "kith/v1/sync.pb.h"

namespace kith::server {
namespace {

// An id into a field, without a string in between.
template <class Id>
void put(std::string* field, const Id& id) {
  field->assign(id.view());
}

}  // namespace

void to_wire(const Event& event, const UserId& reader, v1::Event* out) {
  put(out->mutable_conversation_id(), event.conversation);
  out->set_seq(event.seq);
  out->set_server_ts_ms(static_cast<std::uint64_t>(event.server_ts_ms));
  out->set_ordinal(event.ordinal);
  if (event.sender_only && reader != event.sender) {
    out->set_kind(v1::EVENT_KIND_VOID);
    return;
  }
  out->set_kind(static_cast<v1::EventKind>(event.kind));
  put(out->mutable_message_id(), event.message_id);
  put(out->mutable_sender(), event.sender);
  put(out->mutable_sender_device(), event.sender_device);
  // To its own sender a withheld message looks like any other: as the sending device has stored it.
  out->set_countable(event.countable || event.sender_only);
  out->set_body(event.body);
  out->set_reply_to_seq(event.reply_to_seq);
  for (const UserId& user : event.mentions) put(out->add_mentions(), user);
  out->set_client_ts_ms(static_cast<std::uint64_t>(event.client_ts_ms));
}

void to_wire(const Placement& placement, bool duplicate, v1::Placed* out) {
  out->set_seq(placement.seq);
  out->set_ordinal(placement.ordinal);
  out->set_server_ts_ms(static_cast<std::uint64_t>(placement.server_ts_ms));
  out->set_duplicate(duplicate);
}

std::uint64_t visible_upto(const Conversation& conversation, const Member& member) {
  return member.active() ? conversation.head.last_seq : member.left_seq;
}

void to_wire(const Conversation& c, const Member& m, bool receipts, v1::ConversationState* out) {
  const Head& head = c.head;
  out->set_conversation_id(head.id.bytes());
  out->set_type(static_cast<v1::ConversationType>(head.type));
  out->set_entry_ver(head.last_position);
  out->set_last_seq(visible_upto(c, m));
  out->set_last_ordinal(m.active() ? head.last_ordinal : m.read_ordinal);
  out->set_last_ts_ms(static_cast<std::uint64_t>(head.last_ts_ms));
  out->set_title(head.title);
  out->set_roster_ver(head.roster_ver);
  out->set_role(static_cast<v1::MemberRole>(m.role));
  out->set_join_seq(m.join_seq);
  out->set_read_seq(m.read_seq);
  out->set_read_ordinal(m.read_ordinal);
  out->set_delivered_seq(m.delivered_seq);
  out->set_delivered_all_seq(head.delivered_all_seq);
  if (receipts) {
    out->set_read_all_seq(head.read_all_seq);
    out->set_read_any_seq(head.read_any_seq);
  }
  out->set_member_count(head.member_count);
  out->set_large(head.large);
  if (head.type != ConversationType::kDirect) return;
  for (const Member& other : c.members) {
    if (other.user != m.user) out->set_direct_peer(other.user.bytes());
  }
}

}  // namespace kith::server
