// The delivery status that a sender sees: derived from watermarks that are merged by max and only grow, so that
// it never goes back.
#pragma once

#include <cstdint>

#include "kith/core/message.h"

namespace kith {

// Watermarks of a conversation as published to its members; merged by max, field by field.
struct DeliveryMarks {
  Seq delivered_all;  // on a device of every member
  Seq read_all;       // read by every sharing member
  Seq read_any;       // read by some sharing member other than the one who read most

  friend bool operator==(const DeliveryMarks&, const DeliveryMarks&) = default;
};

// Raises `into` to at least `other`; returns true if a field moved. Idempotent, commutative, associative.
bool merge(DeliveryMarks& into, const DeliveryMarks& other);

// Status of a placed message; kSending for one without a seq. READ implies DELIVERED whatever
// delivered_all says.
DeliveryStatus derive(Seq seq, Seq delivered_all, Seq read_all);

// Returns the status to show: the one shown before, or a better one. Any status replaces kFailed, because the
// message was sent again or turned out to have arrived. A late failure does not replace the status of a message
// that the server has placed.
DeliveryStatus merge(DeliveryStatus shown, DeliveryStatus news);

}  // namespace kith
