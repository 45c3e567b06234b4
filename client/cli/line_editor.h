// The input line: Unicode text with a cursor.
#pragma once

#include <string>

namespace kith::cli {

std::string to_utf8(const std::wstring& text);
// Bytes that are no UTF-8 become U+FFFD; line ends become spaces, other control characters are
// dropped, so that no text can steer the terminal.
std::wstring to_wide(const std::string& text);

class LineEditor {
 public:
  void insert(wchar_t c);
  void backspace();
  void erase();
  void erase_word();
  void clear();
  void left();
  void right();
  void home() { cursor_ = 0; }
  void end() { cursor_ = text_.size(); }

  [[nodiscard]] const std::wstring& text() const { return text_; }
  [[nodiscard]] std::size_t cursor() const { return cursor_; }

 private:
  std::wstring text_;
  std::size_t cursor_ = 0;
};

}  // namespace kith::cli
