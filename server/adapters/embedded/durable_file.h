// Small files that are there whole or as they were before, also after a power loss.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::server {

// Replaces `dir`/`name` by `content`, readable by the owner alone. kDiskFull, kIo.
Status write_durable_file(const std::string& dir, const std::string& name,
                          std::string_view content);
// kDiskFull or kIo for an errno that a file of this path has met.
Error file_error(const std::string& path, int error);

}  // namespace kith::server
