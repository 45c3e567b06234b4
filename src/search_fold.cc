// Folds code point by code point, with the tables of utf8proc and with further rules for the way people
// search.
#include "src/search_fold.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <span>

#include "src/search_letters.h"

namespace kith::search {
namespace {

using CodePoint = utf8proc_int32_t;

bool in(CodePoint c, CodePoint first, CodePoint last) {
  return c >= first && c <= last;
}

struct Block {
  CodePoint first;
  CodePoint last;
};

bool in_any(CodePoint c, std::span<const Block> ascending) {
  const auto at = std::partition_point(ascending.begin(), ascending.end(),
                                       [c](const Block& block) { return block.last < c; });
  return at != ascending.end() && c >= at->first;
}

constexpr std::array kDense = {
    Block{0x0e00, 0x0eff},    // Thai, Lao
    Block{0x0f00, 0x0fff},    // Tibetan
    Block{0x1000, 0x109f},    // Myanmar
    Block{0x1100, 0x11ff},    // Hangul, conjoining
    Block{0x1780, 0x17ff},    // Khmer
    Block{0x2e80, 0x2fdf},    // radicals
    Block{0x3005, 0x3007},    // iteration mark, closing mark, zero
    Block{0x3021, 0x302f},    // Hangzhou numerals, tone marks
    Block{0x3031, 0x303c},    // repeat marks
    Block{0x3041, 0x31bf},    // Kana, Bopomofo, Hangul letters
    Block{0x31f0, 0x31ff},    // Kana for Ainu
    Block{0x3400, 0x4dbf},    // Han A
    Block{0x4e00, 0x9fff},    // Han
    Block{0xa960, 0xa97f},    // Hangul, old
    Block{0xa9e0, 0xa9ff},    // Myanmar B
    Block{0xaa60, 0xaa7f},    // Myanmar A
    Block{0xac00, 0xd7ff},    // Hangul
    Block{0xf900, 0xfaff},    // Han for compatibility
    Block{0x1aff0, 0x1b16f},  // Kana, old
    Block{0x20000, 0x3fffd},  // Han B and all that will follow
};

// Accents, vowels and points: a text with them matches the same text without them.
constexpr std::array kDroppedMarks = {
    Block{0x0300, 0x036f}, Block{0x0483, 0x0489},  // Latin, Greek, Cyrillic
    Block{0x0591, 0x05c7},                         // Hebrew
    Block{0x0610, 0x061a}, Block{0x064b, 0x065f}, Block{0x0670, 0x0670},
    Block{0x06d6, 0x06ed}, Block{0x08d3, 0x08ff},  // Arabic
    Block{0x1ab0, 0x1aff}, Block{0x1dc0, 0x1dff}, Block{0x20d0, 0x20ff},
    Block{0xfe20, 0xfe2f},  // Latin, Greek, Cyrillic
};

constexpr CodePoint kTatweel = 0x0640;
constexpr CodePoint kKeycap = 0x20e3;
constexpr CodePoint kIotaBelow = 0x0345;

bool is_mark(int category) {
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool is_letter_or_digit(int category) {
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

// Characters that Unicode calls letters and people use as apostrophes and primes.
bool is_apostrophe(CodePoint c) {
  return in(c, 0x02b9, 0x02bd) || c == 0x02c8 || c == 0x07f4 || c == 0x07f5 || c == 0xa78b ||
         c == 0xa78c;
}

bool is_regional(CodePoint c) {
  return in(c, 0x1f1e6, 0x1f1ff);
}
bool is_skin_tone(CodePoint c) {
  return in(c, 0x1f3fb, 0x1f3ff);
}

// Unassigned code points are classified by their block.
bool is_emoji(CodePoint c, const utf8proc_property_t& property) {
  if (c == 0xfffc || c == 0xfffd) return false;  // stand for lost text
  if (property.category == UTF8PROC_CATEGORY_SO) return true;
  if (property.category == UTF8PROC_CATEGORY_CN) return in(c, 0x1f000, 0x1faff);
  return property.boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

// The most frequent characters need no table.
bool is_plain_dense(CodePoint c) {
  return in(c, 0x4e00, 0x9fff) || in(c, 0xac00, 0xd7a3) || in(c, 0x3400, 0x4dbf);
}

// Half-width jamo become separate letters (U+3131…), as people type them, not parts of
// syllables.
CodePoint full_width_jamo(CodePoint c) {
  if (in(c, 0xffa1, 0xffbe)) return 0x3131 + (c - 0xffa1);
  if (in(c, 0xffc2, 0xffc7)) return 0x314f + (c - 0xffc2);
  if (in(c, 0xffca, 0xffcf)) return 0x3155 + (c - 0xffca);
  if (in(c, 0xffd2, 0xffd7)) return 0x315b + (c - 0xffd2);
  if (in(c, 0xffda, 0xffdc)) return 0x3161 + (c - 0xffda);
  return c;
}

// Their compatibility forms would tear a character apart or glue a symbol to the word before.
bool stays(CodePoint c) {
  return is_plain_dense(c) || in(c, 0x3131, 0x318e) ||  // letters of Hangul: "ㅋㅠ" is no "큐"
         c == 0x0e33 || c == 0x0eb3 ||                  // Thai and Lao AM
         c == 0x309b || c == 0x309c ||                  // voice marks that stand alone
         c == 0x2120 || c == 0x2122;                    // SM, TM: like (C) and (R)
}

// The code points that one code point unfolds to.
class Unfolded {
 public:
  Unfolded(CodePoint c, std::size_t source_size) {
    c = full_width_jamo(c);
    points_[0] = c;
    if (stays(c)) return;
    int boundclass = 0;
    const auto options =
        static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD);
    const auto size = utf8proc_decompose_char(
        c, points_.data(), static_cast<utf8proc_ssize_t>(points_.size()), options, &boundclass);
    if (size < 0 || static_cast<std::size_t>(size) > points_.size()) {
      points_[0] = c;
      return;
    }
    size_ = static_cast<std::size_t>(size);
    if (size_ > source_size && terms_at_most() > source_size) {
      points_[0] = c;
      size_ = 1;
    }
  }

  std::span<const CodePoint> points() const { return std::span(points_).first(size_); }

 private:
  std::size_t terms_at_most() const {
    std::size_t terms = 0;
    bool in_word = false;
    for (const CodePoint c : points()) {
      const utf8proc_property_t& property = *utf8proc_get_property(c);
      if (is_mark(property.category)) continue;
      const bool alone = in_any(c, kDense) || is_emoji(c, property);
      const bool word = is_letter_or_digit(property.category) && !alone;
      if (alone || (word && !in_word)) ++terms;
      in_word = word;
    }
    return terms;
  }

  std::array<CodePoint, 24> points_{};
  std::size_t size_ = 1;
};

// Parts of Hangul syllables that follow another part, and voice marks of Kana.
bool may_compose(CodePoint c) {
  return in(c, 0x1161, 0x1175) || in(c, 0x11a8, 0x11c2) || c == 0x3099 || c == 0x309a;
}

class Folder {
 public:
  explicit Folder(std::string_view source) : source_(source) {
    folded_.text.reserve(source.size());
    folded_.chars.reserve(source.size() / 2);
  }

  Folded run() && {
    const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(source_.data());
    while (at_ < source_.size()) {
      const auto byte = static_cast<unsigned char>(source_[at_]);
      if (byte < 0x80) {
        size_ = 1;
        ascii(byte);
      } else {
        CodePoint c = 0;
        const auto size =
            utf8proc_iterate(bytes + at_, static_cast<utf8proc_ssize_t>(source_.size() - at_), &c);
        size_ = size > 0 ? static_cast<std::size_t>(size) : 1;
        if (size > 0) {
          point(c);
        } else {
          separate();
        }
      }
      at_ += size_;
    }
    folded_.open = joined_ && !folded_.chars.empty();
    return std::move(folded_);
  }

 private:
  void separate() { joined_ = false; }

  void ascii(unsigned char byte) {
    const auto lower = static_cast<unsigned char>(byte | 0x20);
    if (in(lower, 'a', 'z')) {
      add(lower, CharKind::kWord);
    } else if (in(byte, '0', '9')) {
      add(byte, CharKind::kWord);
    } else {
      separate();
    }
  }

  void point(CodePoint c) {
    if (is_plain_dense(c)) return add(c, CharKind::kDense);
    if (in(c, 0x1f80, 0x1fff)) return polytonic(c);
    whole(c);
  }

  void whole(CodePoint c) {
    if (c == kIotaBelow) return cover();  // case folding would turn it into a letter
    const Unfolded parts(c, size_);
    for (const CodePoint part : parts.points()) unfolded(part);
  }

  // Old Greek letters: people no longer type the marks below them.
  void polytonic(CodePoint c) {
    std::array<CodePoint, 4> parts{};
    int boundclass = 0;
    const auto size =
        utf8proc_decompose_char(c, parts.data(), parts.size(), UTF8PROC_DECOMPOSE, &boundclass);
    if (size < 0 || static_cast<std::size_t>(size) > parts.size()) return whole(c);
    for (const CodePoint part : std::span(parts).first(static_cast<std::size_t>(size))) whole(part);
  }

  void unfolded(CodePoint c) {
    const utf8proc_property_t& property = *utf8proc_get_property(c);
    if (c == kKeycap) return keycap();
    if (property.ignorable || c == kTatweel) {
      if (is_mark(property.category)) cover();
      return;
    }
    if (is_skin_tone(c)) return cover();
    if (is_mark(property.category)) {
      if (in_any(c, kDroppedMarks)) return cover();
      return mark(c, property.combining_class);
    }
    // Planes 2 and 3 are Han also where the tables do not know it yet.
    if (is_letter_or_digit(property.category) || in(c, 0x20000, 0x3fffd)) return letter(c);
    if (is_emoji(c, property)) return emoji(c);
    separate();
  }

  void letter(CodePoint c) {
    if (is_apostrophe(c)) return separate();
    if (may_compose(c) && composed(c)) return;
    const SameLetters same = same_letters(c);
    for (const CodePoint one : std::span(same.letters).first(same.size)) {
      add(one, in_any(one, kDense) ? CharKind::kDense : CharKind::kWord);
    }
  }

  // Two regional indicators are a flag.
  void emoji(CodePoint c) {
    const bool second = is_regional(c) && half_flag_ && joined_;
    half_flag_ = false;
    if (second) {
      append(c);
      cover();
      return;
    }
    add(c, CharKind::kEmoji);
    half_flag_ = is_regional(c);
  }

  // "1", made a key: a word of its own.
  void keycap() {
    if (!joined_ || folded_.chars.empty()) return;
    cover();
    folded_.chars.back().joined = false;
    separate();
  }

  void mark(CodePoint c, int combining_class) {
    if (!joined_ || folded_.chars.empty() || folded_.chars.back().kind == CharKind::kEmoji) {
      add(c, in_any(c, kDense) ? CharKind::kDense : CharKind::kWord);
      return;
    }
    if (may_compose(c) && composed(c)) return;
    cover();
    const Char& base = folded_.chars.back();
    if (base.size + 4 > char_bytes_max) return;
    const std::size_t end = folded_.text.size();
    append(c);
    if (combining_class != 0) sort_in(end, combining_class);
  }

  // Marks may come in any order, and mean the same if their classes differ (Unicode, 3.11).
  void sort_in(std::size_t mark_begin, int combining_class) {
    const std::size_t base = folded_.chars.back().begin;
    std::size_t to = mark_begin;
    while (to > base) {
      std::size_t before = to - 1;
      while ((static_cast<unsigned char>(folded_.text[before]) & 0xc0) == 0x80) --before;
      if (before == base || utf8proc_get_property(read(before))->combining_class <= combining_class)
        break;
      to = before;
    }
    const auto begin = folded_.text.begin();
    std::rotate(begin + static_cast<std::ptrdiff_t>(to),
                begin + static_cast<std::ptrdiff_t>(mark_begin), folded_.text.end());
  }

  // Makes one code point of the last character and this one, if Unicode has one.
  bool composed(CodePoint c) {
    if (!joined_ || folded_.chars.empty()) return false;
    Char& last = folded_.chars.back();
    std::array<CodePoint, 2> pair{read(last.begin), c};
    if (last.kind != CharKind::kDense || last.size != 3 || pair[0] < 0x800) return false;
    if (utf8proc_normalize_utf32(
            pair.data(), 2, static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE)) !=
        1) {
      return false;
    }
    folded_.text.resize(last.begin);
    last.size = 0;
    append(pair[0]);
    cover();
    return true;
  }

  CodePoint read(std::size_t begin) const {
    CodePoint c = 0;
    utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(folded_.text.data()) + begin,
                     static_cast<utf8proc_ssize_t>(folded_.text.size() - begin), &c);
    return c;
  }

  void add(CodePoint c, CharKind kind) {
    folded_.chars.push_back(Char{.begin = folded_.text.size(),
                                 .size = 0,
                                 .source = {at_, size_},
                                 .kind = kind,
                                 .joined = joined_});
    append(c);
    joined_ = true;
    half_flag_ = false;
  }

  // Appends to the last character, as a part of it.
  void append(CodePoint c) {
    if (c < 0x80) {
      folded_.text.push_back(static_cast<char>(c));
      ++folded_.chars.back().size;
      return;
    }
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size = static_cast<std::size_t>(utf8proc_encode_char(c, bytes.data()));
    folded_.text.append(reinterpret_cast<const char*>(bytes.data()), size);
    folded_.chars.back().size += size;
  }

  // The code point just read belongs to the last character.
  void cover() {
    if (!joined_ || folded_.chars.empty()) return;
    TextRange& source = folded_.chars.back().source;
    source.size = at_ + size_ - source.begin;
  }

  std::string_view source_;
  std::size_t at_ = 0;    // of the code point that is read
  std::size_t size_ = 0;  // its bytes
  bool joined_ = false;   // no separator since the last character
  bool half_flag_ = false;
  Folded folded_;
};

}  // namespace

Folded fold(std::string_view text) {
  return Folder(text).run();
}

}  // namespace kith::search
