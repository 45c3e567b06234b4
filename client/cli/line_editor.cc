// Editing what is about to be sent.
#include "client/cli/line_editor.h"

#include <algorithm>

namespace kith::cli {
namespace {

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

}  // namespace

bool LineEditor::put(const EditedText::Characters& fresh) {
  if (!text_.put(cursor_, fresh)) return false;
  cursor_ += fresh.size();
  return true;
}

bool LineEditor::type(std::string_view character) {
  bool all = true;
  for (const EditedText::Character& c : characters_of(character, false))
    all = (is_control(c.code) || put({c})) && all;
  return all;
}

bool LineEditor::paste(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  EditedText::Characters fresh;
  char32_t last = 0;
  for (EditedText::Character c : characters_of(text, true)) {
    const bool second = c.code == '\n' && last == '\r';
    last = c.code;
    if (c.code == '\r') c.code = '\n';
    if (second || (is_control(c.code) && c.code != '\n' && c.code != '\t')) continue;
    fresh.push_back(c);
  }
  return put(fresh);
}

void LineEditor::erase() {
  cursor_ = text_.remove(cursor_, text_.after(cursor_), cursor_);
}

void LineEditor::backspace() {
  if (cursor_ > 0) cursor_ = text_.remove(cursor_ - 1, cursor_, cursor_);
}

void LineEditor::cut(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  taken_ = text_.part(begin, end);
  cursor_ = text_.remove(begin, end, cursor_);
}

void LineEditor::cut_word() {
  cut(text_.word_before(cursor_), cursor_);
}

void LineEditor::cut_next_word() {
  cut(cursor_, text_.word_after(cursor_));
}

void LineEditor::cut_to_end() {
  const std::size_t end = text_.line_end(cursor_);
  cut(cursor_, end > cursor_ ? end : std::min(end + 1, text_.size()));
}

void LineEditor::clear() {
  text_.clear();
  cursor_ = 0;
}

bool LineEditor::up() {
  const std::size_t begin = text_.line_begin(cursor_);
  if (begin == 0) return false;
  const std::size_t above = text_.line_begin(begin - 1);
  cursor_ = std::min(above + (cursor_ - begin), begin - 1);
  return true;
}

bool LineEditor::down() {
  const std::size_t end = text_.line_end(cursor_);
  if (end == text_.size()) return false;
  cursor_ = std::min(end + 1 + (cursor_ - text_.line_begin(cursor_)), text_.line_end(end + 1));
  return true;
}

bool LineEditor::is_command() const {
  return text_.size() > 0 && text_[0].code == '/' && !text_[0].pasted;
}

}  // namespace kith::cli
