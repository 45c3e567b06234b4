// Published receipt minima of a conversation: what everybody has received and read. Max-registers,
// they never fall.
#pragma once

#include "kith/server/ports/conversation_store.h"

namespace kith::server {

// Raises head.delivered_all_seq, read_all_seq and read_any_seq to what the members' watermarks
// allow; true if one moved. With fewer than two sharing members the read values are frozen, not
// computed: a 1:1 with a private reader must not show READ.
bool raise_minima(Conversation& conversation);

}  // namespace kith::server
