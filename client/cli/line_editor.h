// The composer: Unicode text of one or more lines with a cursor.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

class LineEditor {
 public:
  // One typed character, as UTF-8. False: the text is as long as a message may be.
  bool type(std::string_view character);
  bool newline() { return insert('\n', false); }
  // All of it or, if a message may not be so long, nothing. Line ends become '\n', those at the end
  // go; other control characters but tabs are dropped.
  bool paste(std::string_view text);
  void backspace();  // one code point: an accent goes before its letter
  void erase();      // what is read as one character, as left() and right() move
  // yank() puts in what the last of these took away.
  void cut_word();
  void cut_next_word();
  void cut_to_end();  // of the line; at its end, the line end
  void cut_all();
  bool yank();
  void clear();
  void left();
  void right();
  void word_left();
  void word_right();
  void home();  // of the line
  void end();
  // Moves to the line above or below. False: there is none.
  bool up();
  bool down();

  // UTF-8.
  [[nodiscard]] std::string text() const { return text(text_.size()); }
  [[nodiscard]] std::string before_cursor() const { return text(cursor_); }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  // It begins with a '/' that was typed: what is pasted is never a command.
  [[nodiscard]] bool is_command() const;

 private:
  struct Character {
    char32_t code;
    bool pasted;
  };
  bool insert(char32_t code, bool pasted);
  bool put(const std::vector<Character>& fresh, std::size_t bytes);
  void remove(std::size_t begin, std::size_t end);
  void cut(std::size_t begin, std::size_t end);
  // Where the character before or after the cursor begins or ends, as a reader counts them.
  [[nodiscard]] std::size_t before() const;
  [[nodiscard]] std::size_t after() const;
  [[nodiscard]] std::size_t word_before() const;
  [[nodiscard]] std::size_t word_after() const;
  [[nodiscard]] std::string text(std::size_t end) const;
  [[nodiscard]] std::size_t line_begin(std::size_t at) const;
  [[nodiscard]] std::size_t line_end(std::size_t at) const;
  [[nodiscard]] bool is_space(std::size_t at) const;
  [[nodiscard]] std::int32_t code(std::size_t at) const {
    return static_cast<std::int32_t>(text_[at].code);
  }

  std::vector<Character> text_;
  std::vector<Character> taken_;
  std::size_t cursor_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace kith::cli
