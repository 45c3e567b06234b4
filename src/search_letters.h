// Letters that people take for the same, beyond case, accents and compatibility forms.
#pragma once

#include <array>
#include <cstdint>

namespace kith::search {

// The one or two letters that a letter is searched as.
struct SameLetters {
  std::array<std::int32_t, 2> letters{};
  std::size_t size = 1;
};

// Maps a folded letter or digit: strokes and ligatures of Latin, descenders and strokes of Cyrillic, letters of
// Arabic that keyboards and spellings mix, final letters of Hebrew, katakana (as hiragana), and the digits of all
// scripts. Other letters stay. Mapping a result again does not change it.
SameLetters same_letters(std::int32_t letter);

}  // namespace kith::search
