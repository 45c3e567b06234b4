// Records as a given reader may see them on the wire.
#pragma once

#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/records.h"

namespace kith {
class WireWriter;
}

namespace kith::v1 {
class ConversationState;
class Event;
class Placed;
}  // namespace kith::v1

namespace kith::server {

// `reader` sees a VOID event instead of one that is for its sender only.
void to_wire(const Event& event, const UserId& reader, v1::Event* out);
// The same as bytes: the fields of a v1::Event.
void write(const Event& event, const UserId& reader, WireWriter& out);
void to_wire(const Placement& placement, bool duplicate, v1::Placed* out);
void write(const Placement& placement, bool duplicate, WireWriter& out);
// Watermarks of others' reading are withheld from a reader who keeps their own private.
void to_wire(const Conversation& conversation, const Member& reader, bool receipts,
             v1::ConversationState* out);

// Last seq that this member may see.
std::uint64_t visible_upto(const Conversation& conversation, const Member& member);

}  // namespace kith::server
