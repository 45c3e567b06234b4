// kithd backup DIR: a copy of the data directory, also while kithd runs.
#pragma once

#include <string>
#include <vector>

namespace kith::server::daemon {

// `arguments`: DIR, and the flags that tell which data directory (--data, --config). Returns the exit status.
int backup(const std::vector<std::string>& arguments);

}  // namespace kith::server::daemon
