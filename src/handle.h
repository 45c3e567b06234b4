// Handles of the server's own accounts (RFC 8265, UsernameCaseMapped), and text that is shown in one line.
#pragma once

#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith {

// The handle as the server keeps it: width and case mapped, normalized. "Ａlice" and "ALICE" are "alice".
// Text that cannot be mapped comes back as it is.
std::string mapped_handle(std::string_view typed);

// The handle that a new account may have; kInvalidArgument with the reason. Letters, digits and ASCII
// punctuation (IdentifierClass of RFC 8264), a letter or digit first, of one script where scripts look alike,
// no reserved name, nothing that reads as an id.
Result<std::string> new_account_handle(std::string_view typed);

// Shown in one line, this text stays there and reads as it is written: it has no control, no line or
// paragraph separator, and no invisible character of category Cf. Such are allowed only where scripts and
// emoji are written with them: joiners between two other characters.
bool is_plain_line(std::string_view text);

}  // namespace kith
