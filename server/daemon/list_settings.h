// Settings of the daemon whose value is a list with commas.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kith/server/options.h"

namespace kith::server::daemon {

// Each returns a sentence about what is wrong with the value; empty if nothing is.

// Addresses and ranges: "192.0.2.1, 10.0.0.0/8, fd00::/8".
std::string read_proxies(std::string_view value, std::vector<std::string>& proxies);
// Roles of a process, which are all of them so far.
std::string read_roles(std::string_view value, Roles& roles);

}  // namespace kith::server::daemon
