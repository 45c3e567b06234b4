// Refusals that look alike for whatever reason, so that nobody learns more from one than they may know.
#pragma once

#include "kith/core/result.h"
#include "server/conversation/conversation_shard.h"
#include "server/conversation/pending_creations.h"

namespace kith::server {

// After a restart, what a request does not find may be in the log and wait for its decision: then it
// comes again.
Error not_decided_yet();
// One answer, whether the conversation exists or not.
Error not_a_member();
// The log or the store did not take it for now: the same request is worth another try.
Error temporary(const Error& error);

// `error`, unless something waits that might make the user, who is no member, one.
Error refusal(const ConversationShard& shard, const PendingCreations& creations,
              const ConversationId& id, const UserId& user, const Error& error);

}  // namespace kith::server
