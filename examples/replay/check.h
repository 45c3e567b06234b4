// The verdict: what every device of every user holds, compared with the file.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "ledger.h"
#include "options.h"
#include "room.h"
#include "stage.h"

namespace replay {

struct Verdict {
  std::size_t deliveries = 0;  // messages found on devices
  std::size_t lost = 0;
  std::size_t duplicated = 0;
  std::size_t out_of_order = 0;
  std::size_t wrong = 0;  // author, text or reply differ, or nobody sent it
  std::size_t devices = 0;
};

// Brings each device online, lets it catch up, takes it offline and compares its cache.
// `devices_done` counts along.
Verdict check_devices(const std::vector<std::unique_ptr<Room>>& rooms, const Options& options,
                      Stage& stage, Ledger& ledger, std::atomic<std::size_t>& devices_done);

// Compares the rows of one device with those expected; adds to `verdict`.
void compare(const Fields& expected, const Fields& rows, Verdict& verdict);

}  // namespace replay
