// The composer: Unicode text of one or more lines with a cursor.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client/cli/edited_text.h"

namespace kith::cli {

class LineEditor {
 public:
  // One typed character, as UTF-8. False: the text is as long as a message may be.
  bool type(std::string_view character);
  bool newline() { return put({{'\n', false}}); }
  // All of it or, if a message may not be so long, nothing. Line ends become '\n', those at the end
  // go; other control characters but tabs are dropped.
  bool paste(std::string_view text);
  void backspace();  // one code point: an accent goes before its letter
  void erase();      // what is read as one character, as left() and right() move
  // yank() puts in what the last of these took away.
  void cut_word();
  void cut_next_word();
  void cut_to_end();  // of the line; at its end, the line end
  void cut_all() { cut(0, text_.size()); }
  bool yank() { return put(taken_); }
  void clear();
  void left() { cursor_ = text_.before(cursor_); }
  void right() { cursor_ = text_.after(cursor_); }
  void word_left() { cursor_ = text_.word_before(cursor_); }
  void word_right() { cursor_ = text_.word_after(cursor_); }
  void home() { cursor_ = text_.line_begin(cursor_); }
  void end() { cursor_ = text_.line_end(cursor_); }
  // Moves to the line above or below. False: there is none.
  bool up();
  bool down();

  // UTF-8.
  [[nodiscard]] std::string text() const { return text_.utf8(text_.size()); }
  [[nodiscard]] std::string before_cursor() const { return text_.utf8(cursor_); }
  [[nodiscard]] bool empty() const { return text_.size() == 0; }
  // It begins with a '/' that was typed: what is pasted is never a command.
  [[nodiscard]] bool is_command() const;

 private:
  bool put(const EditedText::Characters& fresh);
  void cut(std::size_t begin, std::size_t end);

  EditedText text_;
  EditedText::Characters taken_;
  std::size_t cursor_ = 0;
};

}  // namespace kith::cli
