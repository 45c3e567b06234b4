// kithd account: what an operator does to one account, whether the server runs or not.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"
#include "kith/server/server.h"

namespace kith::server::daemon {

// Returns the exit status.
int account_command(const std::vector<std::string>& arguments);

// Its request to a running kithd, through the control socket: one line.
bool is_account_order(std::string_view order);
Result<std::string> obey_account(Server& server, std::string_view order);

}  // namespace kith::server::daemon
