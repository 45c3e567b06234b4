// `kith tail`: messages as they arrive.
#pragma once

#include "client/cli/arguments.h"

namespace kith::cli {

// Runs until a signal, or until nobody reads its output. A message is acknowledged once it has been
// written; one that was not is printed by the next tail.
int tail(const Arguments& arguments);

}  // namespace kith::cli
