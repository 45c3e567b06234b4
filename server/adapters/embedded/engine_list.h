// The engines of its own that a data directory is used with (the file engines): a server that is started
// without them would begin empty where they know better.
#pragma once

#include <string>

#include "kith/core/result.h"
#include "kith/server/ports/server_ports.h"

namespace kith::server {

// Those of what lasts that are given, as words: "log directory". Empty: none.
std::string engines_of(const ServerPorts& given);
// ok: `engines` are those that `dir` was used with last, or it was used with embedded ones alone.
// kInvalidArgument: the message says which are missing or too many; kIo.
Status check_engines(const std::string& dir, const std::string& engines);
// Makes the list durable; nothing is written if there are none. kDiskFull, kIo.
Status keep_engines(const std::string& dir, const std::string& engines);

}  // namespace kith::server
