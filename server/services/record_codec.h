// A log record as bytes: what a command log keeps on its disk.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// The reply token is left out: it means nothing to a later process.
std::string encode_record(const LogRecord& record);
// Fails with kCacheCorrupt.
Result<LogRecord> decode_record(std::string_view bytes);

}  // namespace kith::server
