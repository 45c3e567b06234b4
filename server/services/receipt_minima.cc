// The minima over all members, and the second-largest read: the largest may be the sender's own.
#include "server/services/receipt_minima.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace kith::server {

bool raise_minima(Conversation& c) {
  constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t delivered = kNone;
  std::uint64_t read = kNone;
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  std::size_t sharing = 0;
  for (const Member& m : c.members) {
    if (!m.active()) continue;
    delivered = std::min(delivered, m.delivered_seq);
    if (!m.sharing) continue;
    ++sharing;
    read = std::min(read, m.public_read_seq);
    second = std::max(second, std::min(first, m.public_read_seq));
    first = std::max(first, m.public_read_seq);
  }
  Head& head = c.head;
  const Head before = head;
  if (delivered != kNone) head.delivered_all_seq = std::max(head.delivered_all_seq, delivered);
  if (sharing >= 2) {
    head.read_all_seq = std::max(head.read_all_seq, read);
    head.read_any_seq = std::max(head.read_any_seq, second);
  }
  return head.delivered_all_seq != before.delivered_all_seq ||
         head.read_all_seq != before.read_all_seq || head.read_any_seq != before.read_any_seq;
}

}  // namespace kith::server
