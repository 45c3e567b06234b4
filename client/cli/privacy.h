// Privacy settings by the names that a person types.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "kith/client/types.h"
#include "kith/core/result.h"

namespace kith::cli {

// Each setting with its value: {"online", "everyone"}, …
std::vector<std::pair<std::string, std::string>> privacy_settings(const client::Privacy& privacy);

// Changes one. Fails with kInvalidArgument: one sentence that lists what there is.
Status set_privacy(client::Privacy* privacy, const std::string& setting, const std::string& value);

}  // namespace kith::cli
