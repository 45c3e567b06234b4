// kithd: the messenger server as a program.
#include <string>
#include <vector>

#include "server/daemon/commands.h"
#include "server/daemon/serve.h"
#include "server/daemon/surroundings.h"

int main(int argc, char** argv) {
  namespace daemon = kith::server::daemon;
  daemon::settle_surroundings();
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (!arguments.empty()) {
    if (const daemon::Command* command = daemon::find_command(arguments.front())) {
      arguments.erase(arguments.begin());
      return command->run(arguments);
    }
  }
  return daemon::serve(arguments);
}
