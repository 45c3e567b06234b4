// Bodies of membership and title events, as they go over the wire.
#pragma once

#include <string>
#include <vector>

#include "kith/server/ports/records.h"

namespace kith::server {

std::string created_body(ConversationType type, const std::string& title,
                         const std::vector<UserId>& others);
std::string membership_body(MemberChangeKind kind, const std::vector<UserId>& users,
                            MemberRole role);
std::string meta_body(const std::string& title);

}  // namespace kith::server
