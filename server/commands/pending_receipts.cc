// Receipts that wait: a short list, and a table behind it.
#include "server/commands/pending_receipts.h"

#include <algorithm>

namespace kith::server {

PendingReceipt* PendingReceipts::find(const Key& wanted) {
  for (PendingReceipt& receipt : newest_) {
    if (receipt.conversation == wanted.first && receipt.reader == wanted.second) return &receipt;
  }
  if (others_.empty()) return nullptr;
  const auto found = others_.find(wanted);
  return found == others_.end() ? nullptr : &found->second;
}

bool PendingReceipts::note(const PendingReceipt& receipt) {
  if (PendingReceipt* known = find(key(receipt))) {
    known->device = receipt.device;
    known->receipts = receipt.receipts;
    known->delivered_seq = std::max(known->delivered_seq, receipt.delivered_seq);
    return false;
  }
  if (size() >= max_) return false;
  if (newest_.size() == kNewest) {
    for (const PendingReceipt& old : newest_) others_.emplace(key(old), old);
    newest_.clear();
  }
  newest_.push_back(receipt);
  return true;
}

std::optional<PendingReceipt> PendingReceipts::extract(const ConversationId& conversation,
                                                       const UserId& reader) {
  const Key wanted{conversation, reader};
  const PendingReceipt* found = find(wanted);
  if (found == nullptr) return std::nullopt;
  const PendingReceipt receipt = *found;
  if (others_.erase(wanted) == 0) {
    newest_.erase(newest_.begin() + (found - newest_.data()));
  }
  return receipt;
}

}  // namespace kith::server
