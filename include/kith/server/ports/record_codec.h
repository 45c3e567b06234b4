// Log records as bytes, for a CommandLog that keeps them in an engine of its own. The form is the one of
// the embedded journal (kith.v1.LogRecord), so that every release reads what an earlier one has written.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

// Leaves the reply token out: it means nothing to a later process.
KITH_API std::string encode_record(const LogRecord& record);
// Fails with kCacheCorrupt.
KITH_API Result<LogRecord> decode_record(std::string_view bytes);

}  // namespace kith::server
