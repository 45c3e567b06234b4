// The line mode: one command, its output, an exit code.
#pragma once

#include <map>
#include <string>

#include "client/cli/arguments.h"

namespace kith::cli {

using Command = int (*)(const Arguments& arguments);
using Commands = std::map<std::string, Command>;

// send, history, search, list, tail
const Commands& message_commands();
// group, members, add, …, privacy, devices
const Commands& people_commands();

// Complains about the command line.
int usage(const std::string& sentence);

// Runs the command that `arguments` name (not the full screen).
int run_command(const Arguments& arguments);

// The end of the program: what was printed is written, or its exit code says that it is not.
int finish(int code);

}  // namespace kith::cli
