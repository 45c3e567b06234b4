// Members are added, removed, leave, or get another role.
#include <algorithm>
#include <iterator>
#include <string>

#include "kith/core/limits.h"
#include "server/conversation/kinds/kinds.h"
#include "server/conversation/membership_body.h"

namespace kith::server {
namespace {

// After the owner has left, the longest-standing admin, else the longest-standing member takes over.
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

// Returns why the actor may not do this; nullopt if they may.
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

// Returns the users on whom the change has an effect; the event leaves out the others.
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

// Changes roles and memberships; true if the owner left.
bool change(Conversation& c, const LogRecord& record, const MembershipOp& op,
            const std::vector<UserId>& users) {
  const JoinerSharing sharing(record, op.receipts_off);
  bool owner_left = false;
  for (const UserId& user : users) {
    if (op.kind == MemberChangeKind::kAdd) {
      join(c, user, MemberRole::kMember, sharing(user));
    } else if (op.kind == MemberChangeKind::kSetRole) {
      find_member(c, user)->role = op.role;
    } else {
      Member& m = *find_member(c, user);
      owner_left |= m.role == MemberRole::kOwner;
      m.role = MemberRole::kNone;
      m.left_seq = c.head.last_seq;
    }
  }
  if (op.kind == MemberChangeKind::kSetRole && op.role == MemberRole::kOwner) {
    find_member(c, record.sender)->role = MemberRole::kAdmin;
  }
  return owner_left;
}

}  // namespace

void apply(Decision& decision, const MembershipOp& op) {
  Conversation& c = decision.c;
  Outcome& out = decision.out;
  const Member* actor = decision.active_sender();
  if (actor == nullptr) return;
  out.error = check_membership(c, *actor, op);
  if (out.error) return;
  const std::vector<UserId> users = affected(c, op, decision.record().sender);
  if (users.empty()) {  // it is so already
    return decision.repeats(
        {c.head.roster_ver, c.head.last_ordinal, c.head.last_ts_ms, decision.entry.position});
  }
  Event& event = decision.append_event(EventKind::kMembership);
  event.body = membership_body(op.kind, users, op.role);
  decision.note_sender();  // before a leaver stops being a member
  const bool owner_left = change(c, decision.record(), op, users);
  out.changed_members.assign(users.begin(), users.end());
  if (owner_left) {
    if (const Member* heir = hand_over(c)) out.changed_members.push_back(heir->user);
  }
  decision.minima.forget();
  count_members(c);
  decision.note_sender();
  UserList staying;
  std::copy_if(users.begin(), users.end(), std::back_inserter(staying),
               [&](const UserId& user) { return find_member(c, user)->active(); });
  decision.finish(staying);
  // Leavers see their own farewell, and nothing later.
  const auto view = left_view(c.head, decision.entry.position);
  for (const UserId& user : users) {
    Member& m = *find_member(c, user);
    if (m.active()) continue;
    m.left = view;
    out.audience.push_back(user);
    out.marks.push_back(user);
  }
}

}  // namespace kith::server
