// The minima over all members, and the second-largest read: the largest may be the sender's own.
#include "server/conversation/receipt_minima.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

struct Lowest {
  std::uint64_t delivered = kNone;
  std::uint64_t read = kNone;
  std::uint64_t second_read = 0;  // largest but one
  std::size_t sharing = 0;
};

bool publish(const Lowest& lowest, Head& head) {
  const Head before = head;
  if (lowest.delivered != kNone) {
    head.delivered_all_seq = std::max(head.delivered_all_seq, lowest.delivered);
  }
  if (lowest.sharing >= 2) {
    head.read_all_seq = std::max(head.read_all_seq, lowest.read);
    head.read_any_seq = std::max(head.read_any_seq, lowest.second_read);
  }
  return head.delivered_all_seq != before.delivered_all_seq ||
         head.read_all_seq != before.read_all_seq || head.read_any_seq != before.read_any_seq;
}

void remove_one(std::map<std::uint64_t, std::size_t>& standing, std::uint64_t at) {
  const auto found = standing.find(at);
  if (found != standing.end() && --found->second == 0) standing.erase(found);
}

}  // namespace

bool raise_minima(Conversation& c) {
  Lowest lowest;
  std::uint64_t first = 0;
  for (const Member& m : c.members) {
    if (!m.active()) continue;
    lowest.delivered = std::min(lowest.delivered, m.delivered_seq);
    if (!m.sharing) continue;
    ++lowest.sharing;
    lowest.read = std::min(lowest.read, m.public_read_seq);
    lowest.second_read = std::max(lowest.second_read, std::min(first, m.public_read_seq));
    first = std::max(first, m.public_read_seq);
  }
  return publish(lowest, c.head);
}

void ReceiptMinima::put(const Member& m) {
  ++delivered_[m.delivered_seq];
  if (!m.sharing) return;
  ++sharing_;
  ++read_[m.public_read_seq];
}

void ReceiptMinima::take(const Member& m) {
  remove_one(delivered_, m.delivered_seq);
  if (!m.sharing) return;
  --sharing_;
  remove_one(read_, m.public_read_seq);
}

void ReceiptMinima::moved(const Member& before, const Member& after) {
  if (!counted_) return;
  take(before);
  put(after);
}

void ReceiptMinima::count(const Conversation& c) {
  delivered_.clear();
  read_.clear();
  sharing_ = 0;
  for (const Member& m : c.members) {
    if (m.active()) put(m);
  }
  counted_ = true;
  ++countings_;
}

bool ReceiptMinima::raise(Conversation& c) {
  if (c.head.member_count <= limits::receipt_detail_members_max) {
    counted_ = false;
    return raise_minima(c);
  }
  if (!counted_) count(c);
  Lowest lowest;
  lowest.sharing = sharing_;
  if (!delivered_.empty()) lowest.delivered = delivered_.begin()->first;
  if (sharing_ >= 2) {
    lowest.read = read_.begin()->first;
    const auto top = std::prev(read_.end());
    lowest.second_read = top->second >= 2 ? top->first : std::prev(top)->first;
  }
  return publish(lowest, c.head);
}

}  // namespace kith::server
