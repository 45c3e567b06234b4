// The members of a small conversation as the bytes of one column: kith.v1.MemberList (cluster.proto).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/server/ports/records.h"

namespace kith::server {

// Never empty if there are any.
std::string bytes_of(const std::vector<Member>& members);
// In the order in which they were written; nothing if it is no such list.
std::optional<std::vector<Member>> members_of(std::string_view bytes);

}  // namespace kith::server
