// One answer each.
#include "server/conversation/refusals.h"

#include "server/conversation/decision.h"

namespace kith::server {

Error not_decided_yet() {
  return make_error(ErrorCode::kUnavailable, "earlier commands wait for their decision");
}

Error not_a_member() {
  return make_error(ErrorCode::kNotMember, kNotAMember);
}

Error temporary(const Error& error) {
  if (error.retry() != Retry::kNever) return error;
  return make_error(ErrorCode::kUnavailable, error.message);
}

Error refusal(const ConversationShard& shard, const PendingCreations& creations,
              const ConversationId& id, const UserId& user, const Error& error) {
  const bool waits = shard.admission_undecided(id, user) || creations.pending(id, user);
  return waits ? not_decided_yet() : error;
}

}  // namespace kith::server
