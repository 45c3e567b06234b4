// VisiblePresence: the presence of one user as one viewer may see it. Pure.
#pragma once

#include <cstdint>

#include "kith/v1/ephemeral.pb.h"
#include "server/users/users.h"

namespace kith::server {

struct VisiblePresence {
  v1::PresenceState state = v1::PRESENCE_STATE_UNSPECIFIED;
  std::int64_t last_seen_ms = 0;
  friend bool operator==(const VisiblePresence&, const VisiblePresence&) = default;
};

// Both ways: somebody who hides from the viewer does not see them either.
bool may_see_online(const UserRecord& target, const UserRecord& viewer);
VisiblePresence visible_to(const UserRecord& target, const UserRecord& viewer, bool online);

}  // namespace kith::server
