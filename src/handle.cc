// UsernameCaseMapped by the tables of utf8proc. No library of Debian has PRECIS; libidn2 has IDNA alone.
#include "src/handle.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "src/search_fold.h"
#include "src/utf8.h"

namespace kith {
namespace {

using Char = utf8proc_int32_t;
using Text = std::vector<Char>;

// Names that people would take for the service, for its staff, or for everybody. Compared without
// punctuation.
constexpr std::string_view kReserved[] = {
    "abuse",      "admin",      "administrator", "all",      "anonymous", "anybody",   "anyone",
    "bot",        "channel",    "everybody",     "everyone", "group",     "help",      "helpdesk",
    "here",       "hostmaster", "info",          "kith",     "kithd",     "me",        "moderator",
    "myself",     "nobody",     "noreply",       "null",     "official",  "operator",  "owner",
    "postmaster", "root",       "security",      "self",     "server",    "service",   "somebody",
    "someone",    "staff",      "support",       "sysadmin", "system",    "undefined", "unknown",
    "webmaster",  "you"};

// Alphabets whose letters look like each other's.
struct Range {
  Char first, last;
  int script;
};
enum Script : int {
  kNone = 0,
  kLatin,
  kGreek,
  kCyrillic,
  kArmenian,
  kCherokee,
  kCoptic,
  kGeorgian,
  kLisu
};
constexpr Range kScripts[] = {
    {'a', 'z', kLatin},          {0xaa, 0xaa, kLatin},        {0xba, 0xba, kLatin},
    {0xc0, 0x24f, kLatin},       {0x250, 0x2af, kLatin},      {0x370, 0x3e1, kGreek},
    {0x3e2, 0x3ef, kCoptic},     {0x3f0, 0x3ff, kGreek},      {0x400, 0x52f, kCyrillic},
    {0x531, 0x58f, kArmenian},   {0x10a0, 0x10ff, kGeorgian}, {0x13a0, 0x13ff, kCherokee},
    {0x1c80, 0x1c8f, kCyrillic}, {0x1c90, 0x1cbf, kGeorgian}, {0x1d00, 0x1dbf, kLatin},
    {0x1e00, 0x1eff, kLatin},    {0x1f00, 0x1fff, kGreek},    {0x2c60, 0x2c7f, kLatin},
    {0x2c80, 0x2cff, kCoptic},   {0x2d00, 0x2d2f, kGeorgian}, {0x2de0, 0x2dff, kCyrillic},
    {0xa4d0, 0xa4ff, kLisu},     {0xa640, 0xa69f, kCyrillic}, {0xa720, 0xa7ff, kLatin},
    {0xab30, 0xab6f, kLatin},    {0xab70, 0xabbf, kCherokee}, {0xfb00, 0xfb06, kLatin},
    {0x10280, 0x1029f, kGreek}};

// Letters that pass for a Latin one of ASCII: a whole word of them reads as another word.
constexpr Char kLooksLatin[] = {0x131,  0x251,  0x261,  0x269,  // ı ɑ ɡ ɩ
                                0x3b1,  0x3b9,  0x3ba,  0x3bd,  0x3bf,  0x3c1,
                                0x3c5,  0x3c7,  0x3f2,  0x3f3,  // α ι κ ν ο ρ υ χ ϲ ϳ
                                0x430,  0x435,  0x43e,  0x440,  0x441,  0x443,
                                0x445,  0x455,  0x456,  0x458,  // а е о р с у х ѕ і ј
                                0x461,  0x475,  0x4bb,  0x4cf,  0x501,  0x51b,
                                0x51d,  // ѡ ѵ һ ӏ ԁ ԛ ԝ
                                0x570,  0x575,  0x578,  0x57d,  0x581,  0x585,
                                0x566,  0x561,  // հ յ ո ս ց օ զ ա
                                0x2c93, 0x2c95, 0x2c9f, 0x2ca3, 0x2ca5, 0x2cad,  // ⲓ ⲕ ⲟ ⲣ ⲥ ⲭ
                                0xab70, 0xab71, 0xab72, 0xab75, 0xab79, 0xab7a,
                                0xab7b, 0xab7c,  // ꭰ ꭱ ꭲ ꭵ ꭹ ꭺ ꭻ ꭼ
                                0xab83, 0xab87, 0xab8b, 0xab8d, 0xab90, 0xab92,
                                0xab93, 0xab96, 0xab9f,  // ꮃ ꮇ ꮋ ꮍ ꮐ ꮒ ꮓ ꮟ
                                0xaba2, 0xaba4, 0xaba5, 0xaba9, 0xabaa, 0xabae,
                                0xabaf, 0xabb2,                   // ꮢ ꮤ ꮥ ꮩ ꮪ ꮮ ꮯ ꮲ
                                0xabb6, 0xabb7, 0x13fb, 0x13fc};  // ꮶ ꮷ ᏻ ᏼ

// Scripts that people write beside Latin; letters and digits of all others stand alone: there is a letter or digit
// among them that passes for a Latin one (the zeros of most, Burmese wa, Thai and Lao vowels).
constexpr Range kBesideOthers[] = {{0x3005, 0x3006, 0}, {0x3041, 0x30ff, 0}, {0x3105, 0x312f, 0},
                                   {0x31a0, 0x31bf, 0}, {0x31f0, 0x31ff, 0}, {0x3400, 0x4dbf, 0},
                                   {0x4e00, 0x9fff, 0}, {0xac00, 0xd7a3, 0}, {0x20000, 0x3ffff, 0}};
// Letters of these scripts that pass for a stroke or a letter of Latin.
constexpr Char kStrokes[] = {0x30ce, 0x30fc, 0x3127, 0x4e28, 0x4e36, 0x4e3f};  // ノ ー ㄧ 丨 丶 丿

// Phonetic letters, small capitals and letters of dead spellings, many of which look like a plain one. Letters of
// living languages are not among them: ɓ ɔ ɖ ɗ ə ɛ ɣ ɨ ɲ ʃ ʉ ʊ ʒ.
constexpr Range kRareLatin[] = {
    {0x185, 0x185, 0},   {0x18d, 0x18d, 0},  {0x1a8, 0x1a8, 0},   {0x1aa, 0x1ab, 0},
    {0x1bb, 0x1c3, 0},   {0x21d, 0x21d, 0},  {0x242, 0x242, 0},   {0x250, 0x252, 0},
    {0x255, 0x255, 0},   {0x258, 0x258, 0},  {0x25a, 0x25a, 0},   {0x25c, 0x262, 0},
    {0x264, 0x267, 0},   {0x269, 0x271, 0},  {0x273, 0x282, 0},   {0x284, 0x288, 0},
    {0x28b, 0x291, 0},   {0x293, 0x2af, 0},  {0x1d00, 0x1dbf, 0}, {0x2c60, 0x2c7f, 0},
    {0xa720, 0xa7ff, 0}, {0xab30, 0xab6f, 0}};
// Accents that a Latin letter may have without a precomposed letter. Others are invisible (a dot above i, an
// underline in a list) or cross the letter out.
constexpr Range kLatinAccents[] = {{0x300, 0x304, 0}, {0x306, 0x30c, 0}, {0x323, 0x325, 0},
                                   {0x327, 0x328, 0}, {0x32d, 0x32d, 0}, {0x330, 0x331, 0}};
constexpr Char kDotAbove = 0x307;

// Characters that are rejected inside a word although their category is that of letters (RFC 5892, F and I).
constexpr Range kRefused[] = {{0x640, 0x640, 0},   {0x7fa, 0x7fa, 0},   {0x302e, 0x302f, 0},
                              {0x3031, 0x3035, 0}, {0x303b, 0x303b, 0}, {0x1100, 0x11ff, 0},
                              {0xa960, 0xa97c, 0}, {0xd7b0, 0xd7fb, 0}};
constexpr int kMarksInARow = 2;

template <class Ranges>
int range_of(const Ranges& ranges, Char c) {
  for (const Range& range : ranges) {
    if (c >= range.first && c <= range.last) return range.script + 1;
  }
  return 0;
}

int script_of(Char c) {
  return std::max(0, range_of(kScripts, c) - 1);
}

// Well-formed UTF-8 only.
Text decoded(std::string_view text) {
  Text chars;
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    Char c = 0;
    const auto step =
        utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &c);
    if (step <= 0) break;
    chars.push_back(c);
    at += static_cast<std::size_t>(step);
  }
  return chars;
}

std::string encoded(const Text& chars) {
  std::string text;
  for (const Char c : chars) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const auto size = utf8proc_encode_char(c, bytes.data());
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(size));
  }
  return text;
}

std::string composed(const std::string& text) {
  utf8proc_uint8_t* made = nullptr;
  const auto size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &made,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  const std::unique_ptr<utf8proc_uint8_t, decltype(&std::free)> owned(made, &std::free);
  if (size < 0) return text;
  return {reinterpret_cast<const char*>(made), static_cast<std::size_t>(size)};
}

// Returns the ordinary form of a wide or narrow character.
void append_of_usual_width(Char c, Text& to) {
  const auto type = utf8proc_get_property(c)->decomp_type;
  if (type != UTF8PROC_DECOMP_TYPE_WIDE && type != UTF8PROC_DECOMP_TYPE_NARROW) {
    to.push_back(c);
    return;
  }
  std::array<Char, 8> parts{};
  int boundary = 0;
  const auto count = utf8proc_decompose_char(
      c, parts.data(), parts.size(),
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT), &boundary);
  for (utf8proc_ssize_t i = 0; i < count && i < static_cast<utf8proc_ssize_t>(parts.size()); ++i)
    to.push_back(parts[static_cast<std::size_t>(i)]);
}

bool is_letter_or_digit(Char c) {
  switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_ND:
      return true;
    default:
      return false;
  }
}

bool is_mark(Char c) {
  const auto category = utf8proc_category(c);
  return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC;
}

// IdentifierClass of RFC 8264, without what needs a context.
bool in_identifier_class(Char c) {
  if (c < 0x80) return c > 0x20 && c < 0x7f;
  const utf8proc_property_t& property = *utf8proc_get_property(c);
  if (property.ignorable || property.decomp_type != 0 || range_of(kRefused, c) != 0) return false;
  return is_letter_or_digit(c) || is_mark(c);
}

// RFC 5893, section 2.
bool obeys_bidi_rule(const Text& chars) {
  const auto direction = [](Char c) { return utf8proc_get_property(c)->bidi_class; };
  const auto right = [&](Char c) {
    return direction(c) == UTF8PROC_BIDI_CLASS_R || direction(c) == UTF8PROC_BIDI_CLASS_AL;
  };
  const auto is = [&](utf8proc_bidi_class_t which) {
    return [=](Char c) { return direction(c) == which; };
  };
  const bool arabic_digits = std::any_of(chars.begin(), chars.end(), is(UTF8PROC_BIDI_CLASS_AN));
  const bool from_right = std::any_of(chars.begin(), chars.end(), right);
  if (!from_right && !arabic_digits) return true;
  if (!right(chars.front())) return false;
  if (std::any_of(chars.begin(), chars.end(), is(UTF8PROC_BIDI_CLASS_L))) return false;
  if (arabic_digits && std::any_of(chars.begin(), chars.end(), is(UTF8PROC_BIDI_CLASS_EN)))
    return false;
  const auto last = std::find_if(chars.rbegin(), chars.rend(),
                                 [&](Char c) { return direction(c) != UTF8PROC_BIDI_CLASS_NSM; });
  return right(*last) || direction(*last) == UTF8PROC_BIDI_CLASS_EN ||
         direction(*last) == UTF8PROC_BIDI_CLASS_AN;
}

// False if the name mixes alphabets that look alike, or if all its letters look Latin and are not.
bool of_one_alphabet(const Text& chars) {
  int alphabet = kNone;
  bool all_look_latin = true;
  for (const Char c : chars) {
    const int script = script_of(c);
    if (script == kNone) continue;
    if (alphabet != kNone && alphabet != script) return false;
    alphabet = script;
    const bool looks =
        std::find(std::begin(kLooksLatin), std::end(kLooksLatin), c) != std::end(kLooksLatin);
    if (script == kLatin && looks) return false;
    if (script == kLisu) return false;  // all its letters look like Latin capitals
    all_look_latin = all_look_latin && looks;
  }
  return alphabet == kNone || alphabet == kLatin || !all_look_latin;
}

// True if letters or digits of other scripts stand beside one of these alphabets.
bool mixes_scripts(const Text& chars) {
  const bool alphabet =
      std::any_of(chars.begin(), chars.end(), [](Char c) { return script_of(c) != kNone; });
  if (!alphabet) return false;
  return std::any_of(chars.begin(), chars.end(), [](Char c) {
    if (c < 0x80 || script_of(c) != kNone || !is_letter_or_digit(c)) return false;
    return range_of(kBesideOthers, c) == 0 ||
           std::find(std::begin(kStrokes), std::end(kStrokes), c) != std::end(kStrokes);
  });
}

// Decimal digits of one script differ by at most nine.
bool mixes_digits(const Text& chars) {
  std::optional<Char> first, last;
  for (const Char c : chars) {
    if (utf8proc_category(c) != UTF8PROC_CATEGORY_ND) continue;
    first = std::min(c, first.value_or(c));
    last = std::max(c, last.value_or(c));
  }
  return first && *last - *first > 9;
}

bool has_rare_latin(const Text& chars) {
  Char letter = 0;  // that marks belong to
  for (const Char c : chars) {
    if (range_of(kRareLatin, c) != 0) return true;
    if (!is_mark(c)) {
      letter = c;
      continue;
    }
    if (script_of(letter) != kLatin) continue;
    const bool dotted = letter == 'i' || letter == 'j';
    if (range_of(kLatinAccents, c) == 0 || (dotted && c == kDotAbove)) return true;
  }
  return false;
}

bool marks_pile_up(const Text& chars) {
  int row = 0;
  for (const Char c : chars) {
    row = is_mark(c) ? row + 1 : 0;
    if (row > kMarksInARow) return true;
  }
  return false;
}

// Returns a name as it is read at a glance: no accents, no punctuation, digits as the letters that they stand for.
std::string glance(std::string_view text, char one) {
  std::string seen = search::fold(text).text;
  std::erase_if(seen, [](unsigned char c) { return c < 0x80 && std::isalnum(c) == 0; });
  constexpr std::string_view kDigits = "03457", kLetters = "oeast";
  for (char& c : seen) {
    const std::size_t digit = kDigits.find(c);
    if (digit != std::string_view::npos) c = kLetters[digit];
    if (c == '1') c = one;
  }
  return seen;
}

bool is_reserved(std::string_view handle) {
  const auto reserved = [](const std::string& seen) {
    return std::find(std::begin(kReserved), std::end(kReserved), seen) != std::end(kReserved);
  };
  return reserved(glance(handle, 'l')) || reserved(glance(handle, 'i'));
}

bool reads_as_id(std::string_view handle) {
  return handle.size() == 2 * UserId::kSize &&
         std::all_of(handle.begin(), handle.end(),
                     [](unsigned char c) { return std::isxdigit(c) != 0; });
}

Error refused(std::string why) {
  return make_error(ErrorCode::kInvalidArgument, "the handle " + std::move(why));
}

}  // namespace

std::string mapped_handle(std::string_view typed) {
  if (!is_utf8(typed)) return std::string(typed);
  Text chars;
  for (const Char c : decoded(typed)) append_of_usual_width(c, chars);
  for (Char& c : chars) c = utf8proc_tolower(c);
  return composed(encoded(chars));
}

Result<std::string> new_account_handle(std::string_view typed) {
  if (typed.empty()) return refused("is empty");
  if (!is_utf8(typed)) return refused("is not UTF-8");
  if (composed(std::string(typed)) != typed)
    return refused("is written with separate accents: write it composed");
  std::string handle = mapped_handle(typed);
  if (handle.size() > limits::handle_bytes_max) return refused("is too long");
  const Text chars = decoded(handle);
  if (!std::all_of(chars.begin(), chars.end(), in_identifier_class))
    return refused("has a character that is neither letter nor digit nor ASCII punctuation");
  if (!is_letter_or_digit(chars.front())) return refused("begins with neither letter nor digit");
  if (marks_pile_up(chars)) return refused("has too many accents on one letter");
  if (!obeys_bidi_rule(chars)) return refused("mixes directions of writing");
  if (mixes_digits(chars)) return refused("mixes digits of two scripts");
  if (has_rare_latin(chars)) return refused("has a letter or an accent that passes for another's");
  if (mixes_scripts(chars) || !of_one_alphabet(chars))
    return refused("has letters of one alphabet that pass for another's");
  if (reads_as_id(handle)) return refused("reads as an id");
  if (is_reserved(handle)) return refused("is reserved");
  return handle;
}

bool is_plain_line(std::string_view text) {
  // Most are ASCII.
  if (std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c < 0x7f; }))
    return true;
  const Text chars = decoded(text);
  for (std::size_t i = 0; i < chars.size(); ++i) {
    const bool joiner = chars[i] == 0x200c || chars[i] == 0x200d;
    // Flags of regions (England, Scotland) end an emoji with tags.
    const bool tag =
        chars[i] >= 0xe0020 && chars[i] <= 0xe007f && i > 0 &&
        (chars[i - 1] == 0x1f3f4 || (chars[i - 1] >= 0xe0020 && chars[i - 1] <= 0xe007f));
    const auto between = [&] {
      return i > 0 && i + 1 < chars.size() && chars[i - 1] >= 0x80 && chars[i + 1] >= 0x80 &&
             chars[i - 1] != chars[i];
    };
    if (tag || (joiner && between())) continue;
    switch (utf8proc_category(chars[i])) {
      case UTF8PROC_CATEGORY_CC:
      case UTF8PROC_CATEGORY_CF:
      case UTF8PROC_CATEGORY_CS:
      case UTF8PROC_CATEGORY_ZL:
      case UTF8PROC_CATEGORY_ZP:
        return false;
      default:
        break;
    }
  }
  return true;
}

}  // namespace kith
