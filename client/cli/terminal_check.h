// check_terminal(): whether the full screen can be drawn here at all.
#pragma once

#include "kith/core/result.h"

namespace kith::cli {

// Fails with kInvalidArgument if $TERM is unknown here, or names a terminal that cannot move its
// cursor. Asked before anything is opened: curses itself ends the program.
Status check_terminal();

}  // namespace kith::cli
