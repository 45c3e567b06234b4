// Who of several people keeps to themselves what they have read: asked before a command that shows it is
// logged, so that the decision on it needs no directory.
#pragma once

#include <vector>

#include "server/services/users.h"
#include "src/scheduler.h"

namespace kith::server {

// Nobody is known to share what the directory does not know.
inline bool shares_receipts(const UserRecord* user) {
  return user != nullptr && user->privacy.receipts;
}

// Answers those of `ids` whose receipts are off, in any order. May answer inside the call. The directory
// is asked a few at a time, and others have the loop in between.
void find_receipts_off(Users& users, Scheduler& scheduler, std::vector<UserId> ids,
                       Done<std::vector<UserId>> done);

}  // namespace kith::server
