// The title of a group changes.
#include "server/conversation/kinds/kinds.h"
#include "server/conversation/membership_body.h"

namespace kith::server {

void apply(Decision& decision, const MetaOp& op) {
  const Member* actor = decision.active_sender();
  if (actor == nullptr) return;
  Head& head = decision.c.head;
  if (head.type != ConversationType::kGroup || actor->role < MemberRole::kAdmin) {
    return decision.refuse(ErrorCode::kPermissionDenied,
                           "only admins may change the title of a group");
  }
  head.title = op.title;
  Event& event = decision.append_event(EventKind::kMeta);
  event.body = meta_body(op.title);
  decision.note_sender();
  decision.finish({});
}

}  // namespace kith::server
