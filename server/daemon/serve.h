// kithd without a subcommand: runs the server until a signal ends it.
#pragma once

#include <string>
#include <vector>

namespace kith::server::daemon {

// Returns the exit status.
int serve(const std::vector<std::string>& arguments);

}  // namespace kith::server::daemon
