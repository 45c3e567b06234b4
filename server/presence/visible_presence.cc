// Privacy of presence.
#include "server/presence/visible_presence.h"

namespace kith::server {
namespace {

constexpr std::int64_t kLastSeenGrainMs = 60'000;

bool mutual(const UserRecord& a, Audience a_rule, const UserRecord& b, Audience b_rule) {
  return audience_allows(a_rule, a, b.id) && audience_allows(b_rule, b, a.id);
}

}  // namespace

bool may_see_online(const UserRecord& target, const UserRecord& viewer) {
  return mutual(target, target.privacy.online, viewer, viewer.privacy.online);
}

VisiblePresence visible_to(const UserRecord& target, const UserRecord& viewer, bool online) {
  VisiblePresence visible;
  const bool knows_online = may_see_online(target, viewer);
  if (knows_online) visible.state = online ? v1::PRESENCE_STATE_ONLINE : v1::PRESENCE_STATE_OFFLINE;
  // For somebody whose being online is hidden this is the time they last left, as ever.
  if (!(knows_online && online) &&
      mutual(target, target.privacy.last_seen, viewer, viewer.privacy.last_seen)) {
    visible.last_seen_ms = target.last_seen_ms / kLastSeenGrainMs * kLastSeenGrainMs;
  }
  return visible;
}

}  // namespace kith::server
