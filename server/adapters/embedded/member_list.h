// The members of a small conversation as the bytes of one column: kith.v1.MemberList (cluster.proto).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kith/server/ports/records.h"

namespace kith::server {

// kith.v1.LeftView; empty for null.
std::string bytes_of(const LeftView* view);
// Null if it is empty or no such view.
std::shared_ptr<const LeftView> left_view_of(std::string_view bytes);
// The view of a member who left before stores kept views: nothing but a version.
std::shared_ptr<const LeftView> view_without(Position version);

// Never empty if there are any.
std::string bytes_of(const std::vector<Member>& members);
// In the order in which they were written; nothing if it is no such list.
std::optional<std::vector<Member>> members_of(std::string_view bytes);

}  // namespace kith::server
