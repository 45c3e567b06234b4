// The secrets that sign tickets and tokens of own accounts, kept in the data directory unless the host does.
#pragma once

#include <cstddef>

#include "kith/core/result.h"
#include "kith/server/options.h"

namespace kith::server {

inline constexpr std::size_t kSecretBytesMin = 32;

// An empty secret stands for those that are kept in data_dir, or for one that lives as long as the server.
Status settle_secrets(ServerOptions& options);

}  // namespace kith::server
