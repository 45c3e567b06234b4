// A member of a 1:1 blocks the other, or no longer does. The record is invisible to both.
#include "server/conversation/kinds/kinds.h"

namespace kith::server {

void apply(Decision& decision, const BlockOp& op) {
  if (decision.c.head.type != ConversationType::kDirect) {
    return decision.refuse(ErrorCode::kNotMember, kNotAMember);
  }
  Member* m = decision.active_sender();
  if (m == nullptr || m->blocks == op.on) return;
  m->blocks = op.on;
  decision.out.changed_members.push_back(m->user);
}

}  // namespace kith::server
