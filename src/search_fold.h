// Folds a text for searching: its characters without case, accents and compatibility forms.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/message.h"

namespace kith::search {

enum class CharKind : std::uint8_t {
  kWord,   // a script that puts spaces between words
  kDense,  // a script that does not, or that glues words together
  kEmoji,
};

// A letter or digit with the marks that belong to it, or an emoji.
struct Char {
  std::size_t begin = 0;  // in Folded::text
  std::size_t size = 0;   // at most char_bytes_max
  TextRange source;       // several of one code point (a ligature) stand in the same place
  CharKind kind = CharKind::kWord;
  bool joined = false;  // no separator stands before it
};

// Further marks stacked on one letter are ignored, so that two such characters still fit into a term.
inline constexpr std::size_t char_bytes_max = 32;

struct Folded {
  std::string text;  // the characters one after the other, without separators
  std::vector<Char> chars;
  bool open = false;  // no separator follows the last character
};

// Folds `text`. A code point that would become more terms than it has bytes (a few ligatures that stand for a
// sentence or a long word) stays unchanged.
Folded fold(std::string_view text);

}  // namespace kith::search
