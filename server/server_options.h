// Checks of the ServerOptions before a server starts.
#pragma once

#include "kith/core/result.h"
#include "kith/server/options.h"

namespace kith::server {

// kInvalidArgument whose message begins with the field.
Error bad_option(const char* field, const char* why);
Status check_options(const ServerOptions& options);

}  // namespace kith::server
