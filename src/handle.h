// Handles of the server's own accounts (RFC 8265, UsernameCaseMapped), and text that is shown in one line.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith {

// Returns the handle as the server keeps it: width and case mapped, normalized. "Ａlice" and "ALICE" become
// "alice". Returns text that cannot be mapped unchanged.
std::string mapped_handle(std::string_view typed);

// Returns the mapped handle if a new account may have it; fails with kInvalidArgument and the reason. Allowed are
// letters, digits and ASCII punctuation (IdentifierClass of RFC 8264), with a letter or digit first and of one
// script where scripts look alike; reserved names and text that reads as an id are not.
Result<std::string> new_account_handle(std::string_view typed);

// True if the text stays in its line when shown and reads as it is written: it has no control character, no line
// or paragraph separator, and no invisible character of category Cf, except the joiners between two other
// characters that some scripts and emoji are written with.
bool is_plain_line(std::string_view text);

}  // namespace kith
