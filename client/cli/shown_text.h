// Text that came from outside, in the only form in which kith gives it to a terminal: no control
// characters, no directional overrides, columns counted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kith/core/message.h"

namespace kith::cli {

// Where the text goes. A terminal and the program inside it must count the same columns, so emoji
// are taken apart there; a file keeps them as they were written.
enum class Form : std::uint8_t { kTerminal, kFile };

// Widths are those of the C library in a UTF-8 locale, which terminals count with too. Called once
// at the start.
void use_utf8_locale();

// A name that somebody chose, with what cannot be seen in it written out (<U+200B>): two names that
// differ never look the same for that.
std::string visible_name(std::string_view name);

// The content of a cell or two of a terminal: a character with its marks.
struct Glyph {
  std::string bytes;
  int columns = 1;
  bool space = false;   // a line may be broken before it
  bool rtl = false;     // read from right to left
  bool marked = false;  // inside one of the ranges that were to be marked
};

// One line. Where a part is read from right to left, bytes() isolates the line, so that it never
// moves what stands beside it.
class ShownText {
 public:
  ShownText() = default;
  // As one line: line ends become spaces. `marks` are ranges of bytes of `outside`.
  static ShownText line(std::string_view outside, Form form = Form::kTerminal,
                        const std::vector<TextRange>& marks = {});
  // One for each line of `outside`, at least one.
  static std::vector<ShownText> lines(std::string_view outside, Form form = Form::kTerminal,
                                      const std::vector<TextRange>& marks = {});

  [[nodiscard]] const std::vector<Glyph>& glyphs() const { return glyphs_; }
  [[nodiscard]] bool empty() const { return glyphs_.empty(); }
  [[nodiscard]] int columns() const;
  // As much as fits, with an ellipsis at the end if that is not all.
  [[nodiscard]] ShownText cut(int columns) const;
  // Broken at spaces where that is possible: `first` columns on the first row, `rest` on others.
  [[nodiscard]] std::vector<ShownText> wrapped(int first, int rest) const;
  // The same, wherever the columns end; at least one row.
  [[nodiscard]] std::vector<ShownText> broken(int columns) const;
  // `on` and `off` stand around what is marked.
  [[nodiscard]] std::string bytes(std::string_view on = {}, std::string_view off = {}) const;

 private:
  friend class TextFilter;
  std::vector<Glyph> glyphs_;
};

}  // namespace kith::cli
