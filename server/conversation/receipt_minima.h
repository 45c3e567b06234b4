// Published receipt minima of a conversation: what everybody has received and read. Max-registers,
// they never fall.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "kith/server/ports/conversation_store.h"

namespace kith::server {

// Raises head.delivered_all_seq, read_all_seq and read_any_seq to what the members' watermarks
// allow; true if one moved. With fewer than two sharing members the read values are frozen, not
// computed: a 1:1 with a private reader must not show READ. Goes through all members.
bool raise_minima(Conversation& conversation);

// The same without going through all members each time: in groups above
// limits::receipt_detail_members_max it counts how many stand at which watermark. It belongs to one
// conversation, and must be notified of its every change.
class ReceiptMinima {
 public:
  // One active member's watermarks or sharing changed.
  void moved(const Member& before, const Member& after);
  // Members came or went.
  void forget() { counted_ = false; }
  bool raise(Conversation& conversation);
  // How often all members were gone through since the beginning.
  [[nodiscard]] std::size_t countings() const { return countings_; }

 private:
  using Standing = std::map<std::uint64_t, std::size_t>;  // watermark -> members
  void count(const Conversation& conversation);
  void put(const Member& member);
  void take(const Member& member);

  bool counted_ = false;
  Standing delivered_;
  Standing read_;  // of those who share
  std::size_t sharing_ = 0;
  std::size_t countings_ = 0;
};

}  // namespace kith::server
