// The verdict: compares every device of every user with the file.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "compare.h"
#include "ledger.h"
#include "options.h"
#include "room.h"
#include "stage.h"

namespace replay {

// Brings each device online, lets it catch up, takes it offline and compares its cache.
// `devices_done` counts along.
Verdict check_devices(const std::vector<std::unique_ptr<Room>>& rooms, const Options& options,
                      Stage& stage, Ledger& ledger, std::atomic<std::size_t>& devices_done);

}  // namespace replay
