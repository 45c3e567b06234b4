// Letters that people take for the same, beyond case, accents and compatibility forms.
#pragma once

#include <array>
#include <cstdint>

namespace kith::search {

// What one letter is searched as.
struct SameLetters {
  std::array<std::int32_t, 2> letters{};
  std::size_t size = 1;
};

// Of a letter or digit that is folded otherwise: strokes and ligatures of Latin, descenders and strokes
// of Cyrillic, letters of Arabic that keyboards and spellings mix, final letters of Hebrew, katakana
// (as hiragana), and the digits of all scripts. Others stay. Of the letters it gives none changes again.
SameLetters same_letters(std::int32_t letter);

}  // namespace kith::search
