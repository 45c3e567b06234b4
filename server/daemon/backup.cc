// kithd backup DIR: a copy of the data directory, also while kithd runs.
#include "server/daemon/backup.h"

#include <cstdio>
#include <filesystem>
#include <system_error>

#include "kith/server/server.h"
#include "server/daemon/config.h"
#include "server/daemon/control_socket.h"

namespace kith::server::daemon {
namespace {

int fail(const std::string& why, int status) {
  std::fprintf(stderr, "kithd backup: %s\n", why.c_str());
  return status;
}

}  // namespace

int backup(const std::vector<std::string>& arguments) {
  std::string target;
  std::vector<std::string> flags;
  for (const std::string& argument : arguments) {
    // A word behind a flag without "=" is its value.
    const bool value = !flags.empty() && flags.back().starts_with("--") &&
                       flags.back().find('=') == std::string::npos;
    if (target.empty() && !value && !argument.starts_with("--")) {
      target = argument;
    } else {
      flags.push_back(argument);
    }
  }
  const auto config = parse_arguments(flags);
  if (!config) return fail(config.error().to_string(), 2);
  if (target.empty() || config->help) {
    return fail("usage: kithd backup DIR [--data DIR | --config FILE]", config->help ? 0 : 2);
  }
  if (target.find('\n') != std::string::npos) return fail("the name has a line end", 2);
  std::error_code failed;
  const std::string to = std::filesystem::absolute(target, failed).lexically_normal().string();
  const auto done = ask_running(config->options.data_dir, "backup " + to);
  if (!done && done.error().code != ErrorCode::kClosed) return fail(done.error().message, 1);
  if (!done) {
    if (!std::filesystem::exists(config->options.data_dir + "/store.db", failed)) {
      return fail(config->options.data_dir + ": is no data directory", 1);
    }
    const Status copied = backup_data_dir(config->options.data_dir, to);
    if (!copied) return fail(copied.error().to_string(), 1);
  }
  std::printf("%s has everything that was acknowledged\n", to.c_str());
  return 0;
}

}  // namespace kith::server::daemon
