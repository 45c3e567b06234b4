// PendingReceipts: how far people have received, until it becomes records. Each reader of a conversation is in it once.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kith/core/ids.h"

namespace kith::server {

struct PendingReceipt {
  ConversationId conversation;
  UserId reader;
  DeviceId device;
  std::uint64_t delivered_seq = 0;
  bool receipts = false;  // as Caller::receipts
};

class PendingReceipts {
 public:
  explicit PendingReceipts(std::size_t max) : max_(max) { newest_.reserve(kNewest); }

  [[nodiscard]] std::size_t size() const { return newest_.size() + others_.size(); }
  [[nodiscard]] bool empty() const { return size() == 0; }

  // True if the reader was not in it yet; who does not fit any more is forgotten.
  bool note(const PendingReceipt& receipt);
  std::optional<PendingReceipt> extract(const ConversationId& conversation, const UserId& reader);
  // Each leaves, unless `take` says false. Nothing is noted meanwhile.
  template <class Take>
  void take_each(Take take) {
    auto newest = std::exchange(newest_, {});
    auto others = std::exchange(others_, {});
    for (const PendingReceipt& receipt : newest) {
      if (!take(receipt)) others_.emplace(key(receipt), receipt);
    }
    for (const auto& [key, receipt] : others) {
      if (!take(receipt)) others_.emplace(key, receipt);
    }
    newest.clear();
    newest_ = std::move(newest);  // keeps its memory
  }

 private:
  static constexpr std::size_t kNewest = 64;  // as many as are looked through one by one

  using Key = std::pair<ConversationId, UserId>;
  static Key key(const PendingReceipt& receipt) { return {receipt.conversation, receipt.reader}; }
  PendingReceipt* find(const Key& key);

  std::size_t max_;
  std::vector<PendingReceipt> newest_;
  std::unordered_map<Key, PendingReceipt, IdHash> others_;
};

}  // namespace kith::server
