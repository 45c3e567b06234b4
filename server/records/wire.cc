// Plain records to protobuf, with what the reader must not see left out.
#include "server/records/wire.h"

#include "kith/v1/event.pb.h"
#include "kith/v1/send.pb.h"
#include "kith/v1/sync.pb.h"
#include "src/wire_writer.h"

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
  out->set_ordinal(ordinal_for(event, reader));
  if (event.sender_only && reader != event.sender) {
    out->set_kind(v1::EVENT_KIND_VOID);
    return;
  }
  out->set_kind(static_cast<v1::EventKind>(event.kind));
  put(out->mutable_message_id(), event.message_id);
  put(out->mutable_sender(), event.sender);
  // To its own sender a withheld message looks like any other: as the sending device has stored it.
  out->set_countable(event.countable || event.sender_only);
  out->set_body(event.body);
  out->set_reply_to_seq(event.reply_to_seq);
  for (const UserId& user : event.mentions) put(out->add_mentions(), user);
}

void to_wire(const Placement& placement, bool duplicate, v1::Placed* out) {
  out->set_seq(placement.seq);
  out->set_ordinal(placement.ordinal);
  out->set_server_ts_ms(static_cast<std::uint64_t>(placement.server_ts_ms));
  out->set_duplicate(duplicate);
}

// Fields in the order of their numbers.
void write(const Event& event, const UserId& reader, WireWriter& out) {
  using E = v1::Event;
  const bool hidden = event.sender_only && reader != event.sender;
  out.bytes(E::kConversationIdFieldNumber, event.conversation.view());
  out.number(E::kSeqFieldNumber, event.seq);
  out.number(E::kKindFieldNumber, hidden ? static_cast<std::uint64_t>(v1::EVENT_KIND_VOID)
                                         : static_cast<std::uint64_t>(event.kind));
  if (!hidden) {
    out.bytes(E::kMessageIdFieldNumber, event.message_id.view());
    out.bytes(E::kSenderFieldNumber, event.sender.view());
  }
  out.number(E::kServerTsMsFieldNumber, static_cast<std::uint64_t>(event.server_ts_ms));
  out.number(E::kOrdinalFieldNumber, ordinal_for(event, reader));
  if (hidden) return;
  out.number(E::kCountableFieldNumber, event.countable || event.sender_only ? 1 : 0);
  out.bytes(E::kBodyFieldNumber, event.body);
  out.number(E::kReplyToSeqFieldNumber, event.reply_to_seq);
  for (const UserId& user : event.mentions) out.another(E::kMentionsFieldNumber, user.view());
}

void write(const Placement& placement, bool duplicate, WireWriter& out) {
  using P = v1::Placed;
  out.number(P::kSeqFieldNumber, placement.seq);
  out.number(P::kServerTsMsFieldNumber, static_cast<std::uint64_t>(placement.server_ts_ms));
  out.number(P::kOrdinalFieldNumber, placement.ordinal);
  out.number(P::kDuplicateFieldNumber, duplicate ? 1 : 0);
}

std::uint64_t visible_upto(const Conversation& conversation, const Member& member) {
  return member.active() ? conversation.head.last_seq : member.left_seq;
}

namespace {

// The head as a former member may see it. If a store of an earlier release kept no view it says as little as possible.
Head head_at_leaving(const Head& now, const Member& m) {
  Head head;
  head.id = now.id;
  head.type = now.type;
  if (m.left == nullptr) return head;
  const LeftView& view = *m.left;
  head.entry_ver = view.entry_ver;
  head.last_ts_ms = view.last_ts_ms;
  head.title = view.title;
  head.roster_ver = view.roster_ver;
  head.member_count = view.member_count;
  head.large = view.large;
  head.delivered_all_seq = view.delivered_all_seq;
  head.read_all_seq = view.read_all_seq;
  head.read_any_seq = view.read_any_seq;
  return head;
}

void put_head(const Head& head, bool receipts, v1::ConversationState* out) {
  out->set_conversation_id(head.id.bytes());
  out->set_type(static_cast<v1::ConversationType>(head.type));
  out->set_entry_ver(head.entry_ver != 0 ? head.entry_ver : head.last_position);
  out->set_last_ts_ms(static_cast<std::uint64_t>(head.last_ts_ms));
  out->set_title(head.title);
  out->set_roster_ver(head.roster_ver);
  out->set_delivered_all_seq(head.delivered_all_seq);
  if (receipts) {
    out->set_read_all_seq(head.read_all_seq);
    out->set_read_any_seq(head.read_any_seq);
  }
  out->set_member_count(head.member_count);
  out->set_large(head.large);
}

}  // namespace

void to_wire(const Conversation& c, const Member& m, bool receipts, v1::ConversationState* out) {
  const Head& head = c.head;
  put_head(m.active() ? head : head_at_leaving(head, m), receipts, out);
  out->set_last_seq(visible_upto(c, m));
  out->set_last_ordinal(m.active() ? head.last_ordinal + m.withheld : m.read_ordinal);
  out->set_role(static_cast<v1::MemberRole>(m.role));
  out->set_join_seq(m.join_seq);
  out->set_read_seq(m.read_seq);
  out->set_read_ordinal(m.read_ordinal);
  out->set_delivered_seq(m.delivered_seq);
  if (head.type != ConversationType::kDirect) return;
  for (const Member& other : c.members) {
    if (other.user != m.user) out->set_direct_peer(other.user.bytes());
  }
}

}  // namespace kith::server
