// Commands of kith on the account itself: signing in with a token of the host, another password, the end.
#pragma once

#include <string>

#include "client/cli/commands.h"
#include "kith/core/result.h"

namespace kith::cli {

// login --token-file: comes online with the token first. Returns the exit code.
int login_with_token(const Arguments& arguments);

// The first line of a file with a host's token. kIo.
Result<std::string> read_token(const std::string& file);

// passwd, delete-account
const Commands& account_commands();

// A crash leaves no file with passwords and tokens in it, unless $KITH_CORE_DUMPS is set.
void keep_memory_private();

}  // namespace kith::cli
