// A conversation comes into being, with its first members.
#include <algorithm>

#include "kith/core/limits.h"
#include "server/conversation/kinds/kinds.h"
#include "server/conversation/membership_body.h"

namespace kith::server {
namespace {

// The other side of a 1:1 was first, or this is a repetition: the same conversation either way.
void answer_existing(Decision& decision) {
  const Conversation& c = decision.c;
  const Member* known = find_member(c, decision.record().sender);
  if (known == nullptr) return decision.refuse(ErrorCode::kNotMember, kNotAMember);
  const std::int64_t left_ms = known->left == nullptr ? 0 : known->left->last_ts_ms;
  const std::int64_t now_ms = known->active() ? c.head.last_ts_ms : left_ms;
  decision.repeats({1, 0, now_ms, decision.entry.position});
}

}  // namespace

void apply(Decision& decision, const CreateOp& op) {
  Conversation& c = decision.c;
  const LogRecord& r = decision.record();
  if (c.head.last_seq != 0) return answer_existing(decision);
  const UserId& creator = r.sender;
  std::vector<UserId> others = op.members;
  std::sort(others.begin(), others.end());
  others.erase(std::unique(others.begin(), others.end()), others.end());
  std::erase(others, creator);
  const bool direct = op.type == ConversationType::kDirect;
  if (direct && others.size() != 1) {
    return decision.refuse(ErrorCode::kInvalidArgument,
                           "a 1:1 conversation has exactly two members");
  }
  const bool typed =
      direct ? c.head.id == ConversationId::direct(creator, others.front()) : c.head.id.is_group();
  if (!typed && r.rules_version >= 4) {
    return decision.refuse(ErrorCode::kInvalidArgument,
                           "the id is of another type of conversation");
  }
  if (others.size() + 1 > limits::group_members_max) {
    return decision.refuse(ErrorCode::kLimitExceeded, "too many members");
  }
  c.head.type = op.type;
  c.head.title = op.title;
  Event& event = decision.append_event(EventKind::kMembership);
  event.body = created_body(op.type, op.title, others);
  const JoinerSharing sharing(r, op.receipts_off);
  const bool recorded = r.rules_version >= 4;
  join(c, creator, direct ? MemberRole::kMember : MemberRole::kOwner,
       recorded ? std::optional(!r.receipts_off) : std::nullopt);
  for (const UserId& user : others) join(c, user, MemberRole::kMember, sharing(user));
  decision.minima.forget();
  count_members(c);
  decision.out.changed_members = active_members(c);
  decision.finish(decision.out.changed_members);
}

}  // namespace kith::server
