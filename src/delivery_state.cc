// The lattice FAILED < SENDING < SENT < DELIVERED < READ.
#include "src/delivery_state.h"

#include <algorithm>

namespace kith {
namespace {

bool raise(Seq& into, Seq other) {
  if (other <= into) return false;
  into = other;
  return true;
}

}  // namespace

bool merge(DeliveryMarks& into, const DeliveryMarks& other) {
  bool moved = raise(into.delivered_all, other.delivered_all);
  moved |= raise(into.read_all, other.read_all);
  moved |= raise(into.read_any, other.read_any);
  return moved;
}

DeliveryStatus derive(Seq seq, Seq delivered_all, Seq read_all) {
  if (!seq) return DeliveryStatus::kSending;
  if (seq <= read_all) return DeliveryStatus::kRead;
  if (seq <= delivered_all) return DeliveryStatus::kDelivered;
  return DeliveryStatus::kSent;
}

DeliveryStatus merge(DeliveryStatus shown, DeliveryStatus news) {
  // Only a message that is still on its way can fail.
  if (news == DeliveryStatus::kFailed) {
    return shown == DeliveryStatus::kSending ? news : shown;
  }
  return std::max(shown, news);
}

}  // namespace kith
