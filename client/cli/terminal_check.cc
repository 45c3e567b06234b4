// Asks the terminal database.
#include "client/cli/terminal_check.h"

#include <curses.h>
#include <term.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace kith::cli {

Status check_terminal() {
  const char* given = std::getenv("TERM");
  const std::string name = given == nullptr ? "" : given;
  int found = 0;
  const bool known = setupterm(nullptr, ::fileno(stdout), &found) == OK;
  if (known && tigetstr("cup") != nullptr) return {};
  return make_error(
      ErrorCode::kInvalidArgument,
      (known ? "The terminal '" + name + "' cannot move its cursor"
             : "No terminal '" + name + "' is known here") +
          ": set TERM to what it is, e.g. xterm, or use kith send, tail and history.");
}

}  // namespace kith::cli
