// The rules by which a change modifies a user or device record, for a Directory on an engine of its own;
// the embedded ones use them too. An adapter reads the rows, calls these functions, and writes the rows
// back, all in one transaction.
#pragma once

#include <string>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

// Applies `change` to `user`; on kLimitExceeded `user` is half changed and must be dropped.
KITH_API Status change_user(UserRecord& user, const UserChange& change);
// Returns the record of a new user.
KITH_API UserRecord new_user(const NewUser& user);
// Merges a reported device into the stored one; the caller compares the ids.
KITH_API void merge_device(DeviceRecord& stored, const DeviceRecord& reported);
// Ends tokens of one device of a user, after change_user() has applied the same change to the user.
KITH_API void revoke_device(DeviceRecord& device, const UserRecord& user,
                            const Revocation& revocation);
// Returns ok if `change` may replace this hash.
KITH_API Status check_password_change(const PasswordChange& change, const std::string& stored_hash);

// The tokens of a device as one column of a row; decoding bytes that cannot be read returns none.
KITH_API std::string encode_tokens(const std::vector<TokenUse>& tokens);
KITH_API std::vector<TokenUse> decode_tokens(const std::string& bytes);

// The errors that the contract of Directory requires.
KITH_API Error no_such_user();
KITH_API Error handle_taken();
KITH_API Error user_removed();

}  // namespace kith::server
