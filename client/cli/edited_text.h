// EditedText: the characters of a text that is being written, and where its words, lines and letters end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kith::cli {

class EditedText {
 public:
  struct Character {
    char32_t code;
    bool pasted;
  };
  using Characters = std::vector<Character>;

  [[nodiscard]] std::size_t size() const { return text_.size(); }
  [[nodiscard]] const Character& operator[](std::size_t at) const { return text_[at]; }
  // UTF-8 of the first `end` characters.
  [[nodiscard]] std::string utf8(std::size_t end) const;
  [[nodiscard]] Characters part(std::size_t begin, std::size_t end) const;

  // False, and nothing is put in: the text would be longer than a message may be.
  bool put(std::size_t at, const Characters& fresh);
  // Returns where a cursor at `cursor` stands then.
  std::size_t remove(std::size_t begin, std::size_t end, std::size_t cursor);
  void clear();

  // The places where the character before or after `at` begins or ends, as a reader counts them.
  [[nodiscard]] std::size_t before(std::size_t at) const;
  [[nodiscard]] std::size_t after(std::size_t at) const;
  [[nodiscard]] std::size_t word_before(std::size_t at) const;
  [[nodiscard]] std::size_t word_after(std::size_t at) const;
  [[nodiscard]] std::size_t line_begin(std::size_t at) const;
  [[nodiscard]] std::size_t line_end(std::size_t at) const;

 private:
  [[nodiscard]] bool is_space(std::size_t at) const;
  [[nodiscard]] std::int32_t code(std::size_t at) const {
    return static_cast<std::int32_t>(text_[at].code);
  }

  Characters text_;
  std::size_t bytes_ = 0;  // as UTF-8
};

// The characters of a text in UTF-8; U+FFFD stands for bytes that are none.
EditedText::Characters characters_of(std::string_view text, bool pasted);

}  // namespace kith::cli
