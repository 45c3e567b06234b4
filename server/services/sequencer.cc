// decide(): the pure rules of the sequencer, one function per kind of command.
#include "server/services/sequencer.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "kith/core/limits.h"
#include "server/services/conversations.h"
#include "server/services/membership_body.h"
#include "src/uuid.h"

namespace kith::server {
namespace {

// Also of a conversation that does not exist.
constexpr const char* kNotAMember = "not a member of the conversation";

bool by_user(const Member& m, const UserId& user) {
  return m.user < user;
}

Member* member_of(Conversation& c, const UserId& user) {
  return const_cast<Member*>(find_member(c, user));
}

Member& member_slot(Conversation& c, const UserId& user) {
  auto it = std::lower_bound(c.members.begin(), c.members.end(), user, by_user);
  if (it == c.members.end() || it->user != user) {
    it = c.members.insert(it, Member{});
    it->user = user;
  }
  return *it;
}

UserList active_users(const Conversation& c) {
  UserList users;
  users.reserve(c.head.member_count);
  for (const Member& m : c.members) {
    if (m.active()) users.push_back(m.user);
  }
  return users;
}

// Own messages of this person that others do not see, and they count.
std::uint64_t withheld_of(const Conversation& c, const UserId& user) {
  const Member* m = find_member(c, user);
  return m == nullptr ? 0 : m->withheld;
}

// Of the other side of a 1:1: nothing is withheld elsewhere.
std::uint64_t withheld_of_other(const Conversation& c, const UserId& user) {
  if (c.head.type != ConversationType::kDirect) return 0;
  for (const Member& m : c.members) {
    if (m.user != user) return m.withheld;
  }
  return 0;
}

void refuse(Outcome& out, ErrorCode code, std::string why) {
  out.error = make_error(code, std::move(why));
}

// A clock that was ahead for a while has been set right when it is further back than clocks step by
// themselves: then the time falls, rather than stand still for as long as it was ahead.
constexpr std::int64_t kClockStepMs = 60'000;

std::int64_t time_of(const LogRecord& r, std::int64_t last_ms) {
  const bool set_back = r.rules_version >= 4 && r.gateway_ts_ms + kClockStepMs < last_ms;
  return set_back ? r.gateway_ts_ms : std::max(last_ms, r.gateway_ts_ms);
}

// Gives the record its place: one event at the end of the history.
Event& append_event(Conversation& c, const LogEntry& entry, EventKind kind, Outcome& out) {
  const LogRecord& r = entry.record;
  Head& head = c.head;
  const auto made = std::make_shared<Event>();
  Event& event = *made;
  event.conversation = head.id;
  event.seq = ++head.last_seq;
  event.kind = kind;
  event.message_id = r.command_id;
  event.sender = r.sender;
  event.sender_device = r.sender_device;
  head.entry_ver = entry.position;
  head.last_ts_ms = time_of(r, head.last_ts_ms);
  event.server_ts_ms = head.last_ts_ms;
  event.countable = kind == EventKind::kMessage && !r.sender_only;
  if (event.countable) ++head.last_ordinal;
  if (r.sender_only && r.rules_version >= 4) ++member_of(c, r.sender)->withheld;
  const std::uint64_t own = head.last_ordinal + withheld_of(c, r.sender);
  event.ordinal = head.last_ordinal + withheld_of_other(c, r.sender);
  if (own != event.ordinal) event.sender_ordinal = own;
  event.sender_only = r.sender_only;
  event.position = entry.position;
  out.placed = placement_of(event);
  out.event = made;
  return event;
}

// Sending implies having received and read; others learn of the reading only if it is shared.
void note_sender(Conversation& c, ReceiptMinima& minima, const LogRecord& record, Outcome& out) {
  const UserId& user = record.sender;
  Member* m = member_of(c, user);
  if (m == nullptr || !m->active()) return;
  const Member before = *m;
  m->delivered_seq = c.head.last_seq;
  m->read_seq = c.head.last_seq;
  m->read_ordinal = c.head.last_ordinal + m->withheld;
  if (record.rules_version >= 4) m->sharing = !record.receipts_off;
  if (m->sharing) m->public_read_seq = c.head.last_seq;
  minima.moved(before, *m);
  out.changed_members.push_back(user);
}

// `affected`: active members whose membership or role changed. In a large group they alone get a
// mark and are listed: a sync compares its head, and a push finds who is connected.
void finish(Conversation& c, ReceiptMinima& minima, const UserList& affected, Outcome& out) {
  out.receipts_moved = minima.raise(c);
  out.large = c.head.large;
  out.marks = out.audience = c.head.large ? affected : active_users(c);
}

void join(Conversation& c, const UserId& user, MemberRole role, std::optional<bool> sharing) {
  Member& m = member_slot(c, user);
  const Head& head = c.head;
  if (sharing) m.sharing = *sharing;
  m.left.reset();
  m.role = role;
  m.join_seq = head.last_seq;
  m.left_seq = 0;
  m.delivered_seq = head.last_seq;
  m.read_seq = head.last_seq;
  m.read_ordinal = head.last_ordinal;
  m.public_read_seq = head.last_seq;
}

// Whether each of those who join shares receipts; nothing where the record does not tell.
class Sharing {
 public:
  Sharing(const LogRecord& record, const std::vector<UserId>& off)
      : told_(record.rules_version >= 4), off_(off) {
    std::sort(off_.begin(), off_.end());
  }
  std::optional<bool> operator()(const UserId& user) const {
    if (!told_) return std::nullopt;
    return !std::binary_search(off_.begin(), off_.end(), user);
  }

 private:
  bool told_;
  std::vector<UserId> off_;
};

// What somebody who has just left goes on seeing.
std::shared_ptr<const LeftView> left_view(const Head& head, Position leaving) {
  auto view = std::make_shared<LeftView>();
  view->title = head.title;
  view->member_count = head.member_count;
  view->large = head.large;
  view->last_ts_ms = head.last_ts_ms;
  view->roster_ver = head.roster_ver;
  view->entry_ver = leaving;
  view->delivered_all_seq = head.delivered_all_seq;
  view->read_all_seq = head.read_all_seq;
  view->read_any_seq = head.read_any_seq;
  return view;
}

void count_members(Conversation& c, ReceiptMinima& minima) {
  minima.forget();
  c.head.member_count = static_cast<std::uint32_t>(std::count_if(
      c.members.begin(), c.members.end(), [](const Member& m) { return m.active(); }));
  if (c.head.member_count > limits::small_group_members_max) c.head.large = true;
  c.head.roster_ver = c.head.last_seq;
}

void apply_send(Conversation& c, ReceiptMinima& minima, const LogEntry& entry, const SendOp& op,
                Outcome& out) {
  const Member* sender = find_member(c, entry.record.sender);
  if (sender == nullptr || !sender->active()) {
    return refuse(out, ErrorCode::kNotMember, kNotAMember);
  }
  const bool hidden = entry.record.rules_version >= 2 && op.reply_to_seq < sender->join_seq;
  if (op.reply_to_seq != 0 && (hidden || op.reply_to_seq > c.head.last_seq)) {
    return refuse(out, ErrorCode::kNotFound, "the answered message does not exist");
  }
  Event& event = append_event(c, entry, EventKind::kMessage, out);
  event.body = op.body;
  event.reply_to_seq = op.reply_to_seq;
  event.mentions = op.mentions;
  event.client_ts_ms = op.client_ts_ms;
  note_sender(c, minima, entry.record, out);
  finish(c, minima, {}, out);
}

void apply_create(Conversation& c, ReceiptMinima& minima, const LogEntry& entry, const CreateOp& op,
                  Outcome& out) {
  const UserId& creator = entry.record.sender;
  if (c.head.last_seq != 0) {
    // The other side of a 1:1 was first, or this is a repetition: same conversation either way.
    const Member* known = find_member(c, creator);
    if (known == nullptr) {
      return refuse(out, ErrorCode::kNotMember, kNotAMember);
    }
    const std::int64_t left_ms = known->left == nullptr ? 0 : known->left->last_ts_ms;
    const std::int64_t now_ms = known->active() ? c.head.last_ts_ms : left_ms;
    out.placed = Placement{1, 0, now_ms, entry.position};
    out.duplicate = true;
    return;
  }
  std::vector<UserId> others = op.members;
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  std::erase(others, creator);
  const bool direct = op.type == ConversationType::kDirect;
  if (direct && others.size() != 1) {
    return refuse(out, ErrorCode::kInvalidArgument, "a 1:1 conversation has exactly two members");
  }
  const bool typed =
      direct ? c.head.id == ConversationId::direct(creator, others.front()) : c.head.id.is_group();
  if (!typed && entry.record.rules_version >= 4) {
    return refuse(out, ErrorCode::kInvalidArgument, "the id is of another type of conversation");
  }
  if (others.size() + 1 > limits::group_members_max) {
    return refuse(out, ErrorCode::kLimitExceeded, "too many members");
  }
  c.head.type = op.type;
  c.head.title = op.title;
  Event& event = append_event(c, entry, EventKind::kMembership, out);
  event.body = created_body(op.type, op.title, others);
  const Sharing sharing(entry.record, op.receipts_off);
  const bool told = entry.record.rules_version >= 4;
  join(c, creator, direct ? MemberRole::kMember : MemberRole::kOwner,
       told ? std::optional(!entry.record.receipts_off) : std::nullopt);
  for (const UserId& user : others) join(c, user, MemberRole::kMember, sharing(user));
  count_members(c, minima);
  out.changed_members = active_users(c);
  finish(c, minima, out.changed_members, out);
}

// Owner leaves: the longest-standing admin, else the longest-standing member takes over.
const Member* hand_over(Conversation& c) {
  Member* heir = nullptr;
  for (Member& m : c.members) {
    if (!m.active() || m.role == MemberRole::kOwner) continue;
    const bool better = heir == nullptr || m.role > heir->role ||
                        (m.role == heir->role && m.join_seq < heir->join_seq);
    if (better) heir = &m;
  }
  if (heir != nullptr) heir->role = MemberRole::kOwner;
  return heir;
}

// Who may do this? Empty = allowed.
std::optional<Error> check_membership(const Conversation& c, const Member& actor,
                                      const MembershipOp& op) {
  const auto denied = [](const char* why) { return make_error(ErrorCode::kPermissionDenied, why); };
  if (c.head.type != ConversationType::kGroup)
    return denied("a 1:1 conversation has fixed members");
  switch (op.kind) {
    case MemberChangeKind::kLeave:
      return std::nullopt;
    case MemberChangeKind::kAdd:
      if (actor.role < MemberRole::kAdmin) return denied("only admins may add members");
      if (c.head.member_count + op.users.size() > limits::group_members_max) {
        return make_error(ErrorCode::kLimitExceeded, "too many members");
      }
      return std::nullopt;
    case MemberChangeKind::kRemove:
      if (actor.role < MemberRole::kAdmin) return denied("only admins may remove members");
      for (const UserId& user : op.users) {
        const Member* m = find_member(c, user);
        if (m != nullptr && m->active() && m->role >= actor.role && user != actor.user) {
          return denied("only somebody of a higher role may remove this member");
        }
      }
      return std::nullopt;
    case MemberChangeKind::kSetRole:
      if (actor.role != MemberRole::kOwner) return denied("only the owner may change roles");
      if (op.role == MemberRole::kNone) {
        return make_error(ErrorCode::kInvalidArgument,
                          "a member without a role is removed instead");
      }
      for (const UserId& user : op.users) {
        const Member* m = find_member(c, user);
        if (m == nullptr || !m->active()) {
          return make_error(ErrorCode::kNotMember, "a role needs a member");
        }
        if (user == actor.user) return denied("the owner hands the group over instead");
      }
      return std::nullopt;
  }
  return make_error(ErrorCode::kInvalidArgument, "unknown membership change");
}

// The users on whom the change has an effect; the others are left out of the event.
std::vector<UserId> affected(const Conversation& c, const MembershipOp& op, const UserId& actor) {
  std::vector<UserId> users = op.kind == MemberChangeKind::kLeave ? std::vector{actor} : op.users;
  std::sort(users.begin(), users.end());
  users.erase(std::unique(users.begin(), users.end()), users.end());
  std::erase_if(users, [&](const UserId& user) {
    const Member* m = find_member(c, user);
    const bool active = m != nullptr && m->active();
    if (op.kind == MemberChangeKind::kAdd) return active;
    if (op.kind == MemberChangeKind::kSetRole) return !active || m->role == op.role;
    return !active;
  });
  return users;
}

void apply_membership(Conversation& c, ReceiptMinima& minima, const LogEntry& entry,
                      const MembershipOp& op, Outcome& out) {
  const UserId actor_id = entry.record.sender;
  const Member* actor = find_member(c, actor_id);
  if (actor == nullptr || !actor->active()) {
    return refuse(out, ErrorCode::kNotMember, kNotAMember);
  }
  out.error = check_membership(c, *actor, op);
  if (out.error) return;
  const std::vector<UserId> users = affected(c, op, actor_id);
  if (users.empty()) {  // it is so already
    out.placed =
        Placement{c.head.roster_ver, c.head.last_ordinal, c.head.last_ts_ms, entry.position};
    out.duplicate = true;
    return;
  }
  Event& event = append_event(c, entry, EventKind::kMembership, out);
  event.body = membership_body(op.kind, users, op.role);
  note_sender(c, minima, entry.record, out);  // before a leaver stops being a member
  const Sharing sharing(entry.record, op.receipts_off);
  bool owner_left = false;
  for (const UserId& user : users) {
    if (op.kind == MemberChangeKind::kAdd) {
      join(c, user, MemberRole::kMember, sharing(user));
    } else if (op.kind == MemberChangeKind::kSetRole) {
      member_of(c, user)->role = op.role;
    } else {
      Member& m = *member_of(c, user);
      owner_left |= m.role == MemberRole::kOwner;
      m.role = MemberRole::kNone;
      m.left_seq = c.head.last_seq;
    }
  }
  if (op.kind == MemberChangeKind::kSetRole && op.role == MemberRole::kOwner) {
    member_of(c, actor_id)->role = MemberRole::kAdmin;
  }
  out.changed_members.assign(users.begin(), users.end());
  if (owner_left) {
    if (const Member* heir = hand_over(c)) out.changed_members.push_back(heir->user);
  }
  count_members(c, minima);
  note_sender(c, minima, entry.record, out);
  UserList affected;
  std::copy_if(users.begin(), users.end(), std::back_inserter(affected),
               [&](const UserId& user) { return find_member(c, user)->active(); });
  finish(c, minima, affected, out);
  // Leavers see their own farewell, and nothing later.
  const auto view = left_view(c.head, entry.position);
  for (const UserId& user : users) {
    Member& m = *member_of(c, user);
    if (m.active()) continue;
    m.left = view;
    out.audience.push_back(user);
    out.marks.push_back(user);
  }
}

void apply_meta(Conversation& c, ReceiptMinima& minima, const LogEntry& entry, const MetaOp& op,
                Outcome& out) {
  const Member* actor = find_member(c, entry.record.sender);
  if (actor == nullptr || !actor->active()) {
    return refuse(out, ErrorCode::kNotMember, kNotAMember);
  }
  if (c.head.type != ConversationType::kGroup || actor->role < MemberRole::kAdmin) {
    return refuse(out, ErrorCode::kPermissionDenied, "only admins may change the title of a group");
  }
  c.head.title = op.title;
  Event& event = append_event(c, entry, EventKind::kMeta, out);
  event.body = meta_body(op.title);
  note_sender(c, minima, entry.record, out);
  finish(c, minima, {}, out);
}

void apply_receipt(Conversation& c, ReceiptMinima& minima, const LogEntry& entry,
                   const ReceiptOp& op, Outcome& out) {
  Member* m = member_of(c, entry.record.sender);
  if (m == nullptr || !m->active()) {
    return refuse(out, ErrorCode::kNotMember, kNotAMember);
  }
  const Member before = *m;
  const std::uint64_t read = std::min(op.read_seq, c.head.last_seq);
  const std::uint64_t delivered = std::min(std::max(op.delivered_seq, read), c.head.last_seq);
  m->delivered_seq = std::max(m->delivered_seq, delivered);
  if (read > m->read_seq) {
    m->read_seq = read;
    m->read_ordinal =
        std::max(m->read_ordinal, std::min(op.read_ordinal, c.head.last_ordinal + m->withheld));
  }
  // Who stops sharing leaves the minima, which may rise by it: with something that others see anyway,
  // never with a read.
  const bool private_read = !op.publish_read && m->read_seq != before.read_seq &&
                            op.delivered_seq <= before.delivered_seq;
  if (entry.record.rules_version < 4 || !private_read) m->sharing = op.publish_read;
  if (op.publish_read) m->public_read_seq = std::max(m->public_read_seq, read);
  if (*m == before) return;
  minima.moved(before, *m);
  out.changed_members.push_back(m->user);
  out.receipts_moved = minima.raise(c);
  if (out.receipts_moved && c.head.member_count <= limits::receipt_detail_members_max) {
    // Who is not there to be told finds the ticks at the next sync.
    out.marks = active_users(c);
  } else if (m->read_seq != before.read_seq) {
    out.marks.push_back(m->user);  // the own devices
  }
}

// Before version 4 the time in an id was compared with the server's, and a device whose clock was
// wrong could not send.
bool too_old(const LogRecord& r) {
  if (r.rules_version >= 4) return false;
  // A 1:1 comes into being under its own id, which is a hash and tells no time.
  const auto* create = std::get_if<CreateOp>(&r.op);
  const bool direct = create != nullptr && create->type == ConversationType::kDirect;
  if (direct && r.rules_version >= 3) return false;
  const auto made_ms = uuid_timestamp_ms(r.command_id);
  const auto horizon = std::chrono::milliseconds(limits::dedupe_horizon).count();
  return made_ms && *made_ms + horizon < r.gateway_ts_ms;
}

}  // namespace

Outcome decide(Conversation& c, const LogEntry& entry, const std::optional<Placement>& earlier) {
  ReceiptMinima minima;
  return decide(c, minima, entry, earlier);
}

Outcome decide(Conversation& c, ReceiptMinima& minima, const LogEntry& entry,
               const std::optional<Placement>& earlier) {
  Outcome out;
  const LogRecord& r = entry.record;
  c.head.id = r.conversation;
  if (entry.position <= c.head.last_position) {
    out.replay = true;
    return out;
  }
  c.head.last_position = entry.position;
  if (const auto* op = std::get_if<ReceiptOp>(&r.op)) {
    apply_receipt(c, minima, entry, *op, out);
    return out;
  }
  if (earlier && earlier->position != entry.position) {
    out.placed = earlier;
    out.duplicate = true;
    return out;
  }
  const auto* create = std::get_if<CreateOp>(&r.op);
  if (too_old(r)) {
    refuse(out, ErrorCode::kExpired, "the id is older than the server recognises as a repetition");
    return out;
  }
  if (const auto* send = std::get_if<SendOp>(&r.op)) apply_send(c, minima, entry, *send, out);
  if (create != nullptr) apply_create(c, minima, entry, *create, out);
  if (const auto* change = std::get_if<MembershipOp>(&r.op))
    apply_membership(c, minima, entry, *change, out);
  if (const auto* meta = std::get_if<MetaOp>(&r.op)) apply_meta(c, minima, entry, *meta, out);
  return out;
}

}  // namespace kith::server
