// kithd backup DIR: a copy of the data directory, also while kithd runs.
#include "server/daemon/backup.h"

#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "kith/server/server.h"
#include "server/daemon/config.h"
#include "server/daemon/control_socket.h"
#include "server/daemon/tool_flags.h"

namespace kith::server::daemon {
namespace {

constexpr std::string_view kUsage =
    R"(kithd backup - copies the data directory, also while kithd runs on it

  kithd backup DIR --data DIRECTORY    DIR must not exist, or be empty; a running server writes it
  kithd backup DIR --config FILE       kithd's settings: `data` is taken from there

DIR has its name only when the copy is complete. To restore, start kithd on it: kithd --data DIR …
)";

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
  if (config->help) {
    const Status printed = print(kUsage);
    return printed ? 0 : fail(printed.error().to_string(), 1);
  }
  if (target.empty()) return fail("it is: kithd backup DIR [--data DIR | --config FILE]", 2);
  if (target.find('\n') != std::string::npos) return fail("the name has a line end", 2);
  std::error_code failed;
  const std::string to = std::filesystem::absolute(target, failed).lexically_normal().string();
  const auto done = ask_running(config->options.data_dir, "backup " + to);
  if (!done && done.error().code != ErrorCode::kClosed) return fail(done.error().to_string(), 1);
  if (!done) {
    if (!std::filesystem::exists(config->options.data_dir + "/store.db", failed)) {
      return fail(config->options.data_dir + ": is no data directory", 1);
    }
    const Status copied = backup_data_dir(config->options.data_dir, to);
    if (!copied) return fail(copied.error().to_string(), 1);
  }
  const Status printed = print(to + " has everything that was acknowledged\n");
  return printed ? 0 : fail(printed.error().to_string(), 1);
}

}  // namespace kith::server::daemon
