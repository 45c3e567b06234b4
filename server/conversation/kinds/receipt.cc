// Somebody has received or read messages.
#include <algorithm>

#include "kith/core/limits.h"
#include "server/conversation/kinds/kinds.h"

namespace kith::server {

void apply(Decision& decision, const ReceiptOp& op) {
  Conversation& c = decision.c;
  Member* m = decision.active_sender();
  if (m == nullptr) return;
  const Member before = *m;
  const std::uint64_t read = std::min(op.read_seq, c.head.last_seq);
  const std::uint64_t delivered = std::min(std::max(op.delivered_seq, read), c.head.last_seq);
  m->delivered_seq = std::max(m->delivered_seq, delivered);
  if (read > m->read_seq) {
    m->read_seq = read;
    m->read_ordinal =
        std::max(m->read_ordinal, std::min(op.read_ordinal, c.head.last_ordinal + m->withheld));
  }
  // A person who stops sharing leaves the minima, which may rise by it: with something that others
  // see anyway, never with a read.
  const bool private_read = !op.publish_read && m->read_seq != before.read_seq &&
                            op.delivered_seq <= before.delivered_seq;
  if (decision.record().rules_version < 4 || !private_read) m->sharing = op.publish_read;
  if (op.publish_read) m->public_read_seq = std::max(m->public_read_seq, read);
  if (*m == before) return;
  decision.minima.moved(before, *m);
  Outcome& out = decision.out;
  out.changed_members.push_back(m->user);
  out.receipts_moved = decision.minima.raise(c);
  if (out.receipts_moved && c.head.member_count <= limits::receipt_detail_members_max) {
    out.marks = active_members(c);  // a device that is away finds the ticks at its next sync
  } else if (m->read_seq != before.read_seq) {
    out.marks.push_back(m->user);  // the reader's own devices
  }
}

}  // namespace kith::server
