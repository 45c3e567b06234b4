// The subcommands of kithd.
#include "server/daemon/commands.h"

#include "server/daemon/account_command.h"
#include "server/daemon/backup.h"
#include "server/daemon/serve.h"
#include "server/daemon/token_command.h"

namespace kith::server::daemon {

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = {
      {"backup", "kithd backup DIR [--data DIR | --config FILE]",
       "copies the data directory, also while kithd runs", backup},
      {"serve", "kithd [serve] …", "runs the server", serve},
      {"account", "kithd account password|delete HANDLE", "changes or ends an account", account_command},
      {"token", "kithd token --handle HANDLE …", "makes a token of the host", token_command},
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
