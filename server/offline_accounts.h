// Accounts in a data directory that no server has open: what an operator does to them then.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "kith/core/ids.h"
#include "kith/core/limits.h"
#include "kith/core/result.h"

namespace kith::server {

// Both as Server's calls of these names; what follows (groups that are left) is done when a server is started there.
// Fail as those, with kAlreadyOpen while another process has the directory, and with kIo if there is none.
Status set_password_offline(const std::string& data_dir, const UserId& user,
                            const std::string& password,
                            std::uint32_t cost = limits::password_cost_default);
Status delete_account_offline(const std::string& data_dir, const UserId& user);

// 8 to 256 bytes of UTF-8. kInvalidArgument, kTooLarge.
Status check_new_password(std::string_view password);

}  // namespace kith::server
