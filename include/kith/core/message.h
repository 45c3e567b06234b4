// Messages and their delivery status, as both sides see them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/time.h"

namespace kith {

// The state of a message that the user sent. It only moves down this list, except that a kFailed message may
// be sent again. docs/delivery.md defines the promise of each.
enum class DeliveryStatus : std::uint8_t {
  kFailed = 0,     // refused for good, or too old; resend or discard it
  kSending = 1,    // durable in this device's outbox
  kSent = 2,       // durable on the server, with its place in the order
  kDelivered = 3,  // durable on a device of every other member
  kRead = 4,       // read by every other member who shares receipts
};

enum class ConversationType : std::uint8_t { kUnknown = 0, kDirect = 1, kGroup = 2 };
enum class MemberRole : std::uint8_t { kNone = 0, kMember = 1, kAdmin = 2, kOwner = 3 };
enum class MessageKind : std::uint8_t {
  kText = 1,
  kMembership = 2,  // somebody was added, left, …; Message::text is a readable sentence
  kMeta = 3,        // the title changed
  kGap = 4,         // rows of a timeline only: messages that this device does not hold yet
  kUnknown = 255,   // from a newer release; Message::text is a fallback
};

// A range of bytes in a UTF-8 text; it never splits a character.
struct TextRange {
  std::size_t begin = 0;
  std::size_t size = 0;
  friend bool operator==(const TextRange&, const TextRange&) = default;
};

}  // namespace kith
