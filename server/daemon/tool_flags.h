// The words of a subcommand's command line: `--name value`, `--name=value`, `--switch`, and the rest.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"

namespace kith::server::daemon {

struct ToolFlags {
  std::map<std::string, std::string> values;  // without the dashes
  std::set<std::string> switches;
  std::vector<std::string> words;

  // Empty: it was not given.
  [[nodiscard]] std::string value(const std::string& name) const;
};

// Writes to standard output. kIo: not all of it has come through.
Status print(std::string_view text);

// kBadConfig for a flag that is in neither list, is given twice, or lacks its value.
Result<ToolFlags> read_flags(const std::vector<std::string>& arguments,
                             const std::set<std::string>& with_value,
                             const std::set<std::string>& switches);

}  // namespace kith::server::daemon
