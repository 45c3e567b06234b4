// Does somebody keep to themselves what they have read? Asked before a command that shows it is logged, so
// that the decision on it needs no directory.
#pragma once

#include "server/users/users.h"

namespace kith::server {

// Nobody is known to share what the directory does not know.
inline bool shares_receipts(const UserRecord* user) {
  return user != nullptr && user->privacy.receipts;
}

}  // namespace kith::server
