// The part of a conversation that a question of one reader may need, as a value of its own.
#pragma once

#include "kith/core/ids.h"
#include "kith/server/ports/conversation_store.h"

namespace kith::server {

// Returns the head, the row of `reader` if there is one, and in a conversation of at most
// limits::receipt_detail_members_max members the rows of all active ones.
Conversation reader_view(const Conversation& conversation, const UserId& reader);

}  // namespace kith::server
