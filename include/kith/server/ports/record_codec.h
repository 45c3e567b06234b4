// Log records as bytes, for a CommandLog on an engine of its own. The format is that of the embedded journal
// (kith.v1.LogRecord), so that every release reads the records of earlier ones.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// Leaves out the reply token, which has no meaning in a later process.
KITH_API std::string encode_record(const LogRecord& record);
// Fails with kCacheCorrupt.
KITH_API Result<LogRecord> decode_record(std::string_view bytes);

}  // namespace kith::server
