// Consent: who may be added to a group, and to whom somebody may write first.
//
// A block counts as "nobody": whoever is refused reads the same words, however the person has said no.
#pragma once

#include <optional>
#include <vector>

#include "kith/core/result.h"
#include "kith/server/ports/directory.h"

namespace kith::server {

bool allows(Audience audience, const Consent& consent);

// Those of `ids` whom `known` does not name; both ascend.
std::vector<UserId> unknown_of(const std::vector<UserId>& ids, const std::vector<Consent>& known);

// The answer that lists people who do not exist.
Error no_such_users(std::vector<UserId> users);

// May the one who was asked for in `known` add all of `ids` to a group? If not, the answer that lists who
// is in the way.
std::optional<Error> check_group_adds(const std::vector<UserId>& ids,
                                      const std::vector<Consent>& known);

// May they start a 1:1?
std::optional<Error> check_first_message(const Consent& consent);

}  // namespace kith::server
