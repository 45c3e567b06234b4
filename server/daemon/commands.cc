// The subcommands of kithd.
#include "server/daemon/commands.h"

#include "server/daemon/serve.h"

namespace kith::server::daemon {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = {
      {"serve", "kithd [serve] …", "runs the server", serve},
  };
  return kCommands;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : commands()) {
    if (command.name == name) return &command;
  }
  return nullptr;
}

}  // namespace kith::server::daemon
