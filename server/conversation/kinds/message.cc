// A message.
#include "server/conversation/kinds/kinds.h"

namespace kith::server {

void apply(Decision& decision, const SendOp& op) {
  const Member* sender = decision.active_sender();
  if (sender == nullptr) return;
  const bool hidden = decision.record().rules_version >= 2 && op.reply_to_seq < sender->join_seq;
  if (op.reply_to_seq != 0 && (hidden || op.reply_to_seq > decision.c.head.last_seq)) {
    return decision.refuse(ErrorCode::kNotFound, "the answered message does not exist");
  }
  Event& event = decision.append_event(EventKind::kMessage);
  event.body = op.body;
  event.reply_to_seq = op.reply_to_seq;
  event.mentions = op.mentions;
  event.client_ts_ms = op.client_ts_ms;
  decision.note_sender();
  decision.finish({});
}

}  // namespace kith::server
