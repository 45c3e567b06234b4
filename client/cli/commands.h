// The line mode: one command, its output, an exit code.
#pragma once

#include "client/cli/arguments.h"

namespace kith::cli {

// Runs the command that `arguments` name (not the full screen).
int run_command(const Arguments& arguments);

}  // namespace kith::cli
