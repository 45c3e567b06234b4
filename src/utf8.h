// Checks and cuts UTF-8.
#pragma once

#include <cstddef>
#include <string_view>

namespace kith {

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);

// Returns the longest beginning of a well-formed text of at most `bytes` bytes that ends between two characters.
std::string_view utf8_prefix(std::string_view text, std::size_t bytes);

}  // namespace kith
