// What a change does to a user or device record: the rules of the Directory port, shared by its
// embedded adapters.
#pragma once

#include "kith/core/result.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

// Applies `change` to `user`; on kLimitExceeded `user` is half changed and must be dropped.
Status change_user(UserRecord& user, const UserChange& change);
// The record of somebody who has just been made.
UserRecord new_user(const NewUser& user);
// Merges what was reported about a device into what is known; the ids are the caller's.
void merge_device(DeviceRecord& stored, const DeviceRecord& reported);
// change_user() of the same change has done the user's part.
void revoke_device(DeviceRecord& device, const UserRecord& user, const Revocation& revocation);
// ok: `change` may replace this hash.
Status check_password_change(const PasswordChange& change, const std::string& stored_hash);

// As a column of a row; what cannot be read is no token.
std::string encode_tokens(const std::vector<TokenUse>& tokens);
std::vector<TokenUse> decode_tokens(const std::string& bytes);

Error no_such_user();
Error handle_taken();
Error user_removed();

}  // namespace kith::server
