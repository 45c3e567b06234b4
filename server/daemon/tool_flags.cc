// The words of a subcommand's command line.
#include "server/daemon/tool_flags.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace kith::server::daemon {

std::string ToolFlags::value(const std::string& name) const {
  const auto found = values.find(name);
  return found == values.end() ? std::string() : found->second;
}

Status print(std::string_view text) {
  const bool written =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (written) return {};
  return make_error(ErrorCode::kIo,
                    std::string("the output cannot be written: ") + std::strerror(errno));
}

Result<ToolFlags> read_flags(const std::vector<std::string>& arguments,
                             const std::set<std::string>& with_value,
                             const std::set<std::string>& switches) {
  const auto bad = [](const std::string& name, const char* why) {
    return make_error(ErrorCode::kBadConfig, "--" + name + " " + why);
  };
  ToolFlags flags;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string_view argument = arguments[i];
    if (argument.substr(0, 2) != "--") {
      flags.words.emplace_back(argument);
      continue;
    }
    const auto equals = argument.find('=');
    const std::string name(argument.substr(2, equals == argument.npos ? equals : equals - 2));
    if (switches.contains(name) && equals == argument.npos) {
      flags.switches.insert(name);
      continue;
    }
    if (!with_value.contains(name)) return bad(name, "is not known here");
    if (equals == argument.npos && i + 1 == arguments.size()) return bad(name, "needs a value");
    std::string value(equals == argument.npos ? arguments[++i] : argument.substr(equals + 1));
    if (value.empty()) return bad(name, "is empty");
    if (!flags.values.emplace(name, std::move(value)).second) return bad(name, "is given twice");
  }
  return flags;
}

}  // namespace kith::server::daemon
