// kithd token: makes a token as a host would, for trying out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/time.h"

namespace kith::server::daemon {

// Returns the exit status.
int token_command(const std::vector<std::string>& arguments);

// "90s", "15m", "1h", "30d"; nothing if it is none, or not between a second and ten years.
std::optional<Millis> parse_duration(std::string_view text);

}  // namespace kith::server::daemon
