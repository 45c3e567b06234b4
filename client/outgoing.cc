// Outgoing: what is refused before it is kept, and the rows that are kept.
#include "client/outgoing.h"

#include <set>
#include <utility>

#include "client/wire_ids.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"
#include "src/utf8.h"

namespace kith::client {

Outgoing::Outgoing(Replica& replica, CommandIds& ids, Profiles& profiles, Scheduler& scheduler,
                   Random& random)
    : replica_(replica),
      ids_(ids),
      profiles_(profiles),
      clock_(scheduler.clock()),
      random_(random) {}

Result<MessageId> Outgoing::send(const ConversationId& to, const std::string& text,
                                 const MessageId& reply_to) {
  const UserId& self = replica_.model().self();
  if (!to.is_direct() && !to.is_group())
    return make_error(ErrorCode::kInvalidArgument, "to: it is the id of no conversation");
  if (to == ConversationId::direct(self, self))
    return make_error(ErrorCode::kInvalidArgument, "to: a 1:1 has two people");
  if (text.empty()) return make_error(ErrorCode::kInvalidArgument, "text: it is empty");
  if (!is_utf8(text)) return make_error(ErrorCode::kInvalidArgument, "text: it is not UTF-8");
  v1::Content content;
  content.mutable_plain()->set_text(text);
  v1::OutMessage out;
  const MessageId id = ids_.next_message();
  out.set_message_id(id.bytes());
  out.set_content(content.SerializeAsString());
  out.set_seen_seq(replica_.model().top(to));
  if (Status s = set_reply_to(out, to, reply_to); !s) return s.error();
  if (Status s = check_message(out); !s) return s.error();
  if (out.content().size() > replica_.limits().body_bytes) {
    return make_error(ErrorCode::kTooLarge, "text: this server takes at most " +
                                                std::to_string(replica_.limits().body_bytes) +
                                                " bytes");
  }
  OutboxRow row;
  row.conversation = to;
  row.id = id;
  row.payload = out.SerializeAsString();
  row.peer = replica_.new_conversations().peer_of(to);
  if (Status s = add(std::move(row)); !s) return s.error();
  return id;
}

Status Outgoing::set_reply_to(v1::OutMessage& out, const ConversationId& to,
                              const MessageId& reply_to) {
  if (reply_to.empty()) return {};
  if (const auto stored = replica_.model().store().find_message(to, reply_to)) {
    out.set_reply_to_seq(stored->seq);
  } else if (replica_.outbox().rows().message(to, reply_to)) {
    out.set_reply_to_message_id(reply_to.bytes());
  } else {
    return make_error(ErrorCode::kNotFound, "reply_to: no such message in this conversation");
  }
  return {};
}

Status Outgoing::add(OutboxRow row) {
  row.order = replica_.outbox().next_order();
  row.created_ms = clock_.wall().ms;
  row.server_ms = replica_.connection().server_time().told_ms();
  if (Status s = replica_.outbox().add(row); !s) return s;
  replica_.new_conversations().add_placeholder(row);
  return {};
}

ConversationId Outgoing::direct(const UserId& peer) {
  const ConversationId id = replica_.new_conversations().direct(peer);
  if (!replica_.model().find(id)) profiles_.want(peer);
  return id;
}

ConversationId Outgoing::direct(const std::string& handle) {
  const ConversationId id = replica_.new_conversations().direct(handle);
  if (!replica_.model().find(id)) profiles_.want(UserId::of(handle));
  return id;
}

Result<ConversationId> Outgoing::create_group(const std::string& title,
                                              const std::vector<UserId>& members) {
  if (Status s = check_title(title); !s) return s.error();
  const ConversationId id = ConversationId::group(random_);
  v1::ClientFrame frame;
  v1::CreateConversation& create = *frame.mutable_create_conversation();
  const MessageId command = ids_.next_message();
  create.set_conversation_id(id.bytes());
  create.set_command_id(command.bytes());
  create.set_title(title);
  const std::set<UserId> others(members.begin(), members.end());
  for (const UserId& user : others) {
    if (user != replica_.model().self()) create.add_members(user.bytes());
  }
  if (Status s = validate(frame); !s) return s.error();
  OutboxRow row;
  row.conversation = id;
  row.id = command;
  row.kind = OutboxKind::kCreate;
  row.payload = create.SerializeAsString();
  if (Status s = add(std::move(row)); !s) return s.error();
  return id;
}

}  // namespace kith::client
