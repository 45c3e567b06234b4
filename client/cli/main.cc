// kith: a terminal messenger on the public client API.
#include <clocale>
#include <iostream>

#include "client/cli/arguments.h"
#include "client/cli/commands.h"
#include "client/cli/screen.h"
#include "client/cli/session.h"
#include "kith/core/export.h"

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  auto arguments = kith::cli::parse_arguments(argc, argv);
  if (!arguments) return kith::cli::complain(arguments.error());
  if (arguments->help) {
    std::cout << kith::cli::help_text();
    return kith::cli::kDone;
  }
  if (arguments->version) {
    std::cout << "kith " << kith::version() << '\n';
    return kith::cli::kDone;
  }
  if (arguments->command.empty()) return kith::cli::run_screen(*arguments);
  return kith::cli::run_command(*arguments);
}
