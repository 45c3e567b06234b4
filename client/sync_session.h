// SyncSession: what is known in this session of the history that this device holds.
#pragma once

#include <set>

#include "kith/core/ids.h"

namespace kith::client {

struct SyncSession {
  // The held events are of the server's history. Before that nothing is acknowledged, fetched or kept of a push.
  bool history_known = false;
};

// Conversations that may lack their newest events, or have a hole; never all of them again.
struct MissingEvents {
  std::set<ConversationId> behind;
  std::set<ConversationId> holed;
};

}  // namespace kith::client
