// The list of runs in a data directory (the file runs): one line for each start of a server.
#pragma once

#include <cstdint>
#include <string>

#include "kith/core/random.h"
#include "kith/core/result.h"
#include "server/records/run_history.h"

namespace kith::server {

// Adds a run that begins behind record `last`, written at `last_ms`, and makes the list durable. The directory counts
// as a copy if write_copied_runs() has said so, or its lock is another file than at the last start. Fails with
// kCacheCorrupt (the file is damaged; the message says what to do), kDiskFull, kIo.
Result<RunHistory> begin_run(const std::string& dir, Position last, std::int64_t last_ms,
                             Random& random);
// The list as a backup in `to` has it: whoever starts there begins on a copy. `whole_ms`: server time up to which the
// copy has everything, where its last record does not say so, since several logs were copied one after the other; 0.
Status write_copied_runs(const RunHistory& runs, std::int64_t whole_ms, const std::string& to);

}  // namespace kith::server
