// The full-screen messenger.
#pragma once

#include "client/cli/arguments.h"

namespace kith::cli {

// Runs until the person quits; returns the exit code.
int run_screen(const Arguments& arguments);

}  // namespace kith::cli
