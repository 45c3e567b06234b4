// ShownRows: words for events, rows for gaps, the line of a conversation.
#include "client/shown_rows.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "client/model.h"
#include "client/searchable.h"
#include "client/wire_ids.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {
namespace {

constexpr std::size_t kReadAtLeast = 4;

std::string text_of(const std::string& content_bytes) {
  return plain_text(content_bytes).value_or("(a message of a newer kind)");
}

const char* role_name(v1::MemberRole role) {
  switch (role) {
    case v1::MEMBER_ROLE_ADMIN:
      return "an admin";
    case v1::MEMBER_ROLE_OWNER:
      return "the owner";
    default:
      return "a member";
  }
}

}  // namespace

std::string ShownRows::name_of(const UserId& user) const {
  const Profile* known = model_.profile(user);
  if (!known) return user.to_string().substr(0, 8);
  if (known->deleted()) return "a deleted account";
  return known->display_name.empty() ? known->handle : known->display_name;
}

std::string ShownRows::called(const UserId& user) const {
  const Profile* known = model_.profile(user);
  const std::string name = name_of(user);
  if (!known || known->handle.empty() || name == known->handle) return name;
  return known->handle + " (" + name + ")";
}

std::string ShownRows::membership_text(const UserId& sender, const std::string& bytes) const {
  v1::MembershipBody body;
  if (!body.ParseFromString(bytes)) return "the members changed";
  std::string users;
  for (const std::string& user : body.users()) {
    if (!users.empty()) users += ", ";
    users += called(id_of<UserId>(user));
  }
  const std::string who = called(sender);
  if (body.created()) {
    return body.type() == v1::CONVERSATION_TYPE_DIRECT
               ? who + " started the conversation"
               : who + " created the group \"" + body.title() + "\"";
  }
  switch (body.kind()) {
    case v1::MEMBER_CHANGE_KIND_ADD:
      return who + " added " + users;
    case v1::MEMBER_CHANGE_KIND_REMOVE:
      return who + " removed " + users;
    case v1::MEMBER_CHANGE_KIND_LEAVE:
      return who + " left";
    case v1::MEMBER_CHANGE_KIND_SET_ROLE:
      return who + " made " + users + " " + role_name(body.role());
    default:
      return "the members changed";
  }
}

MessageId ShownRows::message_at(const ConversationId& id, Seq seq) const {
  const auto events = store_.events(id, seq.value, seq.value + 1, 1);
  return events && !events->empty() ? events->front().message : MessageId();
}

Message ShownRows::message_of(const StoredEvent& stored) const {
  v1::Event event;
  event.ParseFromString(stored.bytes);
  Message m;
  m.id = stored.message;
  m.conversation = stored.conversation;
  m.seq = Seq(stored.seq);
  m.sender = id_of<UserId>(event.sender());
  m.time = Timestamp{static_cast<std::int64_t>(event.server_ts_ms())};
  m.mine = m.sender == model_.self();
  m.reply_to = Seq(event.reply_to_seq());
  if (m.reply_to) m.reply_to_id = message_at(m.conversation, m.reply_to);
  switch (event.kind()) {
    case v1::EVENT_KIND_MESSAGE:
      m.kind = MessageKind::kText;
      m.text = text_of(event.body());
      break;
    case v1::EVENT_KIND_MEMBERSHIP:
      m.kind = MessageKind::kMembership;
      m.text = membership_text(m.sender, event.body());
      break;
    case v1::EVENT_KIND_META: {
      v1::MetaBody body;
      body.ParseFromString(event.body());
      m.kind = MessageKind::kMeta;
      m.text = called(m.sender) + " named the group \"" + body.title() + "\"";
      break;
    }
    case v1::EVENT_KIND_VOID:
      m.kind = MessageKind::kUnknown;  // withheld from this reader: nothing to show
      break;
    default:
      m.kind = MessageKind::kUnknown;
      m.text = "(something that this version cannot show)";
  }
  const bool ticked = m.mine && m.kind == MessageKind::kText;
  if (const ConversationRecord* record = ticked ? model_.find(m.conversation) : nullptr) {
    m.status = derive(m.seq, record->marks.delivered_all, record->marks.read_all);
  }
  return m;
}

Message ShownRows::message_of(const OutboxRow& row) const {
  v1::OutMessage out;
  out.ParseFromString(row.payload);
  Message m;
  m.id = row.id;
  m.conversation = row.conversation;
  m.sender = model_.self();
  m.mine = true;
  m.text = text_of(out.content());
  m.time = Timestamp{row.placed_seq ? row.placed_ts_ms : row.created_ms};
  m.seq = Seq(row.placed_seq);
  m.reply_to = Seq(out.reply_to_seq());
  m.reply_to_id = id_of<MessageId>(out.reply_to_message_id());
  if (m.reply_to && m.reply_to_id.empty()) m.reply_to_id = message_at(m.conversation, m.reply_to);
  m.failure = row.failed;
  m.status = row.failed ? DeliveryStatus::kFailed : DeliveryStatus::kSending;
  if (row.placed_seq && !row.failed) {
    // Receipts may overtake the answer that tells the place.
    const ConversationRecord* record = model_.find(row.conversation);
    const DeliveryMarks marks = record ? record->marks : DeliveryMarks{};
    m.status = derive(m.seq, marks.delivered_all, marks.read_all);
  }
  return m;
}

// An id that no message has: those begin with a time, this one with 1970.
static MessageId gap_id(std::uint64_t last_seq) {
  std::array<std::uint8_t, MessageId::kSize> bytes{};
  for (std::size_t i = 0; i < 8; ++i)
    bytes[bytes.size() - 1 - i] = static_cast<std::uint8_t>(last_seq >> (8 * i));
  return MessageId(bytes);
}

std::vector<Message> ShownRows::with_gaps(const ConversationId& id,
                                          std::vector<Message> rows) const {
  const ConversationRecord* record = model_.find(id);
  const Ranges& held = model_.ranges(id);
  if (rows.size() < 2 || !record || held.list().size() < 2) return rows;
  std::vector<Message> out;
  for (Message& row : rows) {
    const std::uint64_t from =
        out.empty() ? row.seq.value : std::max(out.back().seq.value + 1, record->floor_seq);
    const std::uint64_t count = held.missing(from, row.seq.value - 1);
    if (count > 0) {
      Message gap;
      gap.kind = MessageKind::kGap;
      gap.conversation = id;
      gap.seq = Seq(held.last_hole(from, row.seq.value - 1));
      gap.id = gap_id(gap.seq.value);
      gap.time = row.time;
      gap.text =
          std::to_string(count) + (count == 1 ? " message is" : " messages are") + " not here yet";
      out.push_back(std::move(gap));
    }
    out.push_back(std::move(row));
  }
  return out;
}

Conversation ShownRows::conversation_of(const ConversationRecord& record) const {
  Conversation c;
  c.id = record.id;
  c.type = record.type;
  c.peer = record.peer;
  c.title = record.type == ConversationType::kDirect ? name_of(record.peer) : record.title;
  c.role = record.role;
  c.unread =
      record.last_ordinal > record.read_ordinal ? record.last_ordinal - record.read_ordinal : 0;
  c.last_seq = Seq(record.last_seq);
  c.last_time = Timestamp{record.last_ts_ms};
  c.member_count = record.member_count;
  const std::vector<Message> last = messages(record.id, 1, record.last_seq + 1, 1);
  if (!last.empty()) c.last = last.back();
  const OutboxRow* row = waiting_ ? waiting_(record.id) : nullptr;
  if (row && (row->placed_seq == 0 || row->placed_seq > c.last.seq.value)) {
    c.last = message_of(*row);
    c.last_time.ms = std::max(c.last_time.ms, c.last.time.ms);
  }
  return c;
}

std::vector<Message> ShownRows::messages(const ConversationId& id, std::uint64_t from,
                                         std::uint64_t before, std::size_t limit) const {
  // Withheld events have a number and nothing to show: further back until there is enough.
  std::vector<Message> found;
  while (found.size() < limit) {
    const std::size_t missing = std::max(limit - found.size(), kReadAtLeast);
    const auto events = store_.events(id, from, before, missing);
    if (!events || events->empty()) break;
    before = events->front().seq;
    std::vector<Message> older;
    for (const StoredEvent& e : *events) {
      Message message = message_of(e);
      if (is_shown(message)) older.push_back(std::move(message));
    }
    found.insert(found.begin(), std::make_move_iterator(older.begin()),
                 std::make_move_iterator(older.end()));
    if (events->size() < missing) break;
  }
  if (found.size() > limit)
    found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(limit));
  return found;
}

}  // namespace kith::client
