// Opening the signed-in account, asking for passwords, and the sentences for what goes wrong.
#pragma once

#include <memory>
#include <string>

#include "client/cli/home.h"
#include "kith/client/client.h"

namespace kith::cli {

enum ExitCode : int { kDone = 0, kFailed = 1, kUsage = 2, kNotSignedIn = 3, kQueued = 4 };

// Prints "kith: SENTENCE" on standard error and returns the exit code that fits.
int complain(const Error& error);

client::ClientOptions options_of(const Home& home, const Account& account);

// From $KITH_PASSWORD, from the terminal without echo, or from the first line of standard input.
Result<std::string> read_password(bool confirm);

}  // namespace kith::cli
