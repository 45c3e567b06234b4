// The one filter between the outside and a terminal.
#include "client/cli/shown_text.h"

#include <langinfo.h>
#include <utf8proc.h>
#include <wchar.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstring>

namespace kith::cli {
namespace {

constexpr int kMarksMax = 4;      // a cell of ncurses holds a character and four marks
constexpr int kGlyphColumns = 4;  // spacing marks after each other: broken into several
constexpr int kTabColumns = 4;
constexpr char32_t kReplacement = 0xfffd;

std::string encoded(char32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

bool ends_line(char32_t c) {
  return c == '\n' || c == 0x0b || c == 0x0c || c == 0x85 || c == 0x2028 || c == 0x2029;
}

const utf8proc_property_t& property(char32_t c) {
  return *utf8proc_get_property(static_cast<utf8proc_int32_t>(c));
}

// Format characters that carry meaning inside a word. All others are invisible, or steer what is
// not theirs: overrides and isolates, tags, joiners of nothing.
bool kept_format(char32_t c, Form form) {
  switch (c) {
    case 0x200c:  // zero width non-joiner
    case 0x200e:  // marks of direction, harmless inside an isolate
    case 0x200f:
    case 0x061c:
      return true;
    case 0x200d:  // some terminals join what it connects into one cell, others do not
      return form == Form::kFile;
    default:
      return (c >= 0x600 && c <= 0x605) || c == 0x6dd || c == 0x70f || c == 0x890 || c == 0x891 ||
             c == 0x8e2;  // signs of Arabic and Syriac that are seen
  }
}

// The character shown for `c`; 0: nothing.
char32_t shown(char32_t c, Form form) {
  if (c < 0x20) return 0x2400 + c;
  if (c == 0x7f) return 0x2421;
  if (c < 0x7f) return c;
  if (c < 0xa0) return kReplacement;
  const auto category = property(c).category;
  if (category == UTF8PROC_CATEGORY_CF) return kept_format(c, form) ? c : 0;
  if (category == UTF8PROC_CATEGORY_CS) return kReplacement;
  if (form == Form::kFile) return c;
  if (c == 0xfe0e || c == 0xfe0f) return 0;  // would change the width in some terminals
  return ::wcwidth(static_cast<wchar_t>(c)) < 0 ? kReplacement : c;
}

bool right_to_left(char32_t c) {
  switch (property(c).bidi_class) {
    case UTF8PROC_BIDI_CLASS_R:
    case UTF8PROC_BIDI_CLASS_AL:
    case UTF8PROC_BIDI_CLASS_AN:
      return true;
    default:
      return false;
  }
}

bool pictograph(char32_t c) {
  return property(c).boundclass == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

}  // namespace

// Builds lines, character by character.
class TextFilter {
 public:
  TextFilter(Form form, const std::vector<TextRange>& marks) : form_(form), marks_(marks) {}

  // The character that begins at byte `at` of the text.
  void put(char32_t outside, std::size_t at) {
    if (outside == '\t') {
      for (int i = 0; i < kTabColumns; ++i) add(' ', at);
      return;
    }
    const char32_t c = shown(outside, form_);
    if (c == 0) return;
    const bool tone = c >= 0x1f3fb && c <= 0x1f3ff;
    if (tone && form_ == Form::kTerminal && last_ && pictograph(last_)) return;
    add(c, at);
  }

  void end_line() {
    done_.push_back(std::move(line_));
    line_ = {};
    last_ = 0;
  }

  std::vector<ShownText> finish() {
    end_line();
    return std::move(done_);
  }

 private:
  void add(char32_t c, std::size_t at) {
    const int width = ::wcwidth(static_cast<wchar_t>(c));
    const int columns = width < 0 ? 1 : width;  // newer than the C library: in a file only
    const bool begins =
        last_ == 0 || utf8proc_grapheme_break_stateful(static_cast<utf8proc_int32_t>(last_),
                                                       static_cast<utf8proc_int32_t>(c), &state_);
    auto& glyphs = line_.glyphs_;
    if (columns == 0) {  // a mark: on the character before it, if there is one and room on it
      if (glyphs.empty() || marks_here_ >= kMarksMax) return;
      ++marks_here_;
      glyphs.back().bytes += encoded(c);
      glyphs.back().rtl = glyphs.back().rtl || right_to_left(c);
    } else if (begins || glyphs.empty() || glyphs.back().columns + columns > kGlyphColumns) {
      marks_here_ = 0;
      glyphs.push_back(
          {encoded(c), columns, c == ' ' || c == 0x3000, right_to_left(c), marked(at)});
    } else {
      if (marks_here_ >= kMarksMax) return;
      ++marks_here_;
      glyphs.back().bytes += encoded(c);
      glyphs.back().columns += columns;
    }
    last_ = c;
  }

  [[nodiscard]] bool marked(std::size_t at) const {
    return std::any_of(marks_.begin(), marks_.end(), [at](const TextRange& range) {
      return at >= range.begin && at - range.begin < range.size;
    });
  }

  const Form form_;
  const std::vector<TextRange>& marks_;
  std::vector<ShownText> done_;
  ShownText line_;
  char32_t last_ = 0;
  utf8proc_int32_t state_ = 0;
  int marks_here_ = 0;
};

namespace {

// Calls `each` with every character and its place; U+FFFD for bytes that are no UTF-8.
template <class Each>
void decode(std::string_view text, Each each) {
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t code = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    if (size <= 0) {
      each(kReplacement, at++);
    } else {
      each(static_cast<char32_t>(code), at);
      at += static_cast<std::size_t>(size);
    }
  }
}

}  // namespace

void use_utf8_locale() {
  std::setlocale(LC_ALL, "");
  if (std::strcmp(nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

namespace {

// Takes no room, or looks like a space and is none.
bool invisible(char32_t c) {
  const auto category = property(c).category;
  if (category == UTF8PROC_CATEGORY_CF || category == UTF8PROC_CATEGORY_CC) return true;
  if (category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
      category == UTF8PROC_CATEGORY_ZP)
    return c != ' ';
  return c == 0x34f || c == 0x115f || c == 0x1160 || c == 0x3164 || c == 0xffa0 || c == 0x2800 ||
         (c >= 0x17b4 && c <= 0x17b5) || (c >= 0x180b && c <= 0x180f) ||
         (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
}

}  // namespace

std::string visible_name(std::string_view name) {
  std::string out;
  char32_t last = 0;
  decode(name, [&](char32_t c, std::size_t at) {
    const bool of_emoji =
        (c == 0x200d || c == 0xfe0f) && last && (pictograph(last) || last == 0xfe0f);
    const bool edge = c == ' ' && (at == 0 || at + 1 == name.size());
    if (edge || (invisible(c) && !of_emoji)) {
      char text[16];
      std::snprintf(text, sizeof text, "<U+%04X>", static_cast<unsigned>(c));
      out += text;
    } else {
      out += encoded(c);
    }
    last = c;
  });
  return out;
}

ShownText ShownText::line(std::string_view outside, Form form,
                          const std::vector<TextRange>& marks) {
  TextFilter filter(form, marks);
  decode(outside, [&](char32_t c, std::size_t at) {
    if (c == '\r' && at + 1 < outside.size() && outside[at + 1] == '\n') return;
    filter.put(ends_line(c) ? U' ' : c, at);
  });
  return std::move(filter.finish().front());
}

std::vector<ShownText> ShownText::lines(std::string_view outside, Form form,
                                        const std::vector<TextRange>& marks) {
  TextFilter filter(form, marks);
  decode(outside, [&](char32_t c, std::size_t at) {
    if (c == '\r' && at + 1 < outside.size() && outside[at + 1] == '\n') return;
    if (ends_line(c)) {
      filter.end_line();
    } else {
      filter.put(c, at);
    }
  });
  return filter.finish();
}

int ShownText::columns() const {
  int columns = 0;
  for (const Glyph& glyph : glyphs_) columns += glyph.columns;
  return columns;
}

ShownText ShownText::cut(int columns) const {
  if (this->columns() <= columns) return *this;
  ShownText out;
  if (columns < 1) return out;
  int room = columns - 1;
  for (const Glyph& glyph : glyphs_) {
    if (glyph.columns > room) break;
    room -= glyph.columns;
    out.glyphs_.push_back(glyph);
  }
  out.glyphs_.push_back({"…", 1, false, false, false});
  return out;
}

std::vector<ShownText> ShownText::wrapped(int first, int rest) const {
  std::vector<ShownText> rows(1);
  int room = std::max(first, 1);
  rest = std::max(rest, 1);
  const auto next_row = [&] {
    rows.emplace_back();
    room = rest;
  };
  for (std::size_t begin = 0; begin < glyphs_.size();) {
    // A word, with the space before it.
    std::size_t end = begin + 1;
    int width = glyphs_[begin].columns;
    while (end < glyphs_.size() && !glyphs_[end].space) width += glyphs_[end++].columns;
    if (width > room && !rows.back().empty()) {
      next_row();
      if (glyphs_[begin].space) ++begin;
    }
    for (; begin < end; ++begin) {
      if (glyphs_[begin].columns > room && !rows.back().empty()) next_row();
      rows.back().glyphs_.push_back(glyphs_[begin]);
      room -= glyphs_[begin].columns;
    }
  }
  return rows;
}

std::vector<ShownText> ShownText::broken(int columns) const {
  std::vector<ShownText> rows(1);
  int room = columns;
  for (const Glyph& glyph : glyphs_) {
    if (glyph.columns > room && !rows.back().empty()) {
      rows.emplace_back();
      room = columns;
    }
    rows.back().glyphs_.push_back(glyph);
    room -= glyph.columns;
  }
  return rows;
}

std::string ShownText::bytes(std::string_view on, std::string_view off) const {
  std::string out;
  const bool isolate =
      std::any_of(glyphs_.begin(), glyphs_.end(), [](const Glyph& glyph) { return glyph.rtl; });
  if (isolate) out += "\u2068";  // first strong isolate
  bool marked = false;
  for (const Glyph& glyph : glyphs_) {
    if (glyph.marked != marked) out += glyph.marked ? on : off;
    marked = glyph.marked;
    out += glyph.bytes;
  }
  if (marked) out += off;
  if (isolate) out += "\u2069";  // pop directional isolate
  return out;
}

}  // namespace kith::cli
