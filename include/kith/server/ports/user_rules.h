// The rules by which a change becomes a user or device record, for a Directory on an engine of its own;
// the embedded ones use them too. An adapter reads the rows, calls these, and writes the rows back, all
// in one transaction.
#pragma once

#include <string>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

// Applies `change` to `user`; on kLimitExceeded `user` is half changed and must be dropped.
KITH_API Status change_user(UserRecord& user, const UserChange& change);
// The record of somebody who has just been made.
KITH_API UserRecord new_user(const NewUser& user);
// Merges what was reported about a device into what is known; the ids are the caller's.
KITH_API void merge_device(DeviceRecord& stored, const DeviceRecord& reported);
// Ends tokens of one device of a user; change_user() of the same change has done the user's part.
KITH_API void revoke_device(DeviceRecord& device, const UserRecord& user,
                            const Revocation& revocation);
// ok: `change` may replace this hash.
KITH_API Status check_password_change(const PasswordChange& change, const std::string& stored_hash);

// The tokens of a device as a column of a row; decoding gives none for what cannot be read.
KITH_API std::string encode_tokens(const std::vector<TokenUse>& tokens);
KITH_API std::vector<TokenUse> decode_tokens(const std::string& bytes);

// Answers that the contract of Directory asks for.
KITH_API Error no_such_user();
KITH_API Error handle_taken();
KITH_API Error user_removed();

}  // namespace kith::server
