// The subcommands of kithd: `kithd NAME …` does one thing and ends; without a name kithd serves.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kith::server::daemon {

struct Command {
  std::string_view name;
  std::string_view usage;  // "kithd NAME …", for the help text
  std::string_view about;  // what it does, in a few words
  // `arguments` begin behind the name. Returns the exit status: 0 done, 1 failed, 2 wrong arguments.
  int (*run)(const std::vector<std::string>& arguments);
};

// All of them. One more is a row here, and a file of its own.
const std::vector<Command>& commands();
// Null: there is none of this name.
const Command* find_command(std::string_view name);

}  // namespace kith::server::daemon
