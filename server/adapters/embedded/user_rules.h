// What a change does to a user or device record: the rules of the Directory port, shared by its
// embedded adapters.
#pragma once

#include "kith/core/result.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

// Applies `change` to `user`; on kLimitExceeded `user` is half changed and must be dropped.
Status change_user(UserRecord& user, const UserChange& change);
// Merges what was reported about a device into what is known; the ids are the caller's.
// The record of somebody who has just been made.
UserRecord new_user(const NewUser& user);
void merge_device(DeviceRecord& stored, const DeviceRecord& reported);

Error no_such_user();
Error handle_taken();

}  // namespace kith::server
