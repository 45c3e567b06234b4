// Editing what is about to be sent.
#include "client/cli/line_editor.h"

#include <utf8proc.h>

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::cli {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr std::size_t kEnvelope = 64;  // what a message is wrapped in

std::string encoded(char32_t code) {
  utf8proc_uint8_t bytes[4];
  const auto size = utf8proc_encode_char(static_cast<utf8proc_int32_t>(code), bytes);
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

template <class Each>
void decode(std::string_view text, Each each) {
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t code = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    each(size > 0 ? static_cast<char32_t>(code) : kReplacement);
    at += size > 0 ? static_cast<std::size_t>(size) : 1;
  }
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

}  // namespace

bool LineEditor::insert(char32_t code, bool pasted) {
  const std::size_t size = encoded(code).size();
  if (bytes_ + size > limits::body_bytes_max - kEnvelope) return false;
  text_.insert(text_.begin() + static_cast<std::ptrdiff_t>(cursor_), {code, pasted});
  ++cursor_;
  bytes_ += size;
  return true;
}

bool LineEditor::type(std::string_view character) {
  bool all = true;
  decode(character, [&](char32_t c) { all = (is_control(c) || insert(c, false)) && all; });
  return all;
}

bool LineEditor::paste(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  bool all = true;
  char32_t last = 0;
  decode(text, [&](char32_t c) {
    const bool second = c == '\n' && last == '\r';
    last = c;
    if (c == '\r') c = '\n';
    if (second || (is_control(c) && c != '\n' && c != '\t')) return;
    all = insert(c, true) && all;
  });
  return all;
}

void LineEditor::erase() {
  if (cursor_ >= text_.size()) return;
  bytes_ -= encoded(text_[cursor_].code).size();
  text_.erase(text_.begin() + static_cast<std::ptrdiff_t>(cursor_));
}

void LineEditor::backspace() {
  if (cursor_ == 0) return;
  --cursor_;
  erase();
}

bool LineEditor::is_space(std::size_t at) const {
  return text_[at].code == ' ' || text_[at].code == '\n' || text_[at].code == '\t';
}

void LineEditor::erase_word() {
  while (cursor_ > 0 && is_space(cursor_ - 1)) backspace();
  while (cursor_ > 0 && !is_space(cursor_ - 1)) backspace();
}

void LineEditor::clear() {
  text_.clear();
  cursor_ = bytes_ = 0;
}

void LineEditor::left() {
  if (cursor_ > 0) --cursor_;
}

void LineEditor::right() {
  if (cursor_ < text_.size()) ++cursor_;
}

void LineEditor::word_left() {
  while (cursor_ > 0 && is_space(cursor_ - 1)) --cursor_;
  while (cursor_ > 0 && !is_space(cursor_ - 1)) --cursor_;
}

void LineEditor::word_right() {
  while (cursor_ < text_.size() && is_space(cursor_)) ++cursor_;
  while (cursor_ < text_.size() && !is_space(cursor_)) ++cursor_;
}

std::size_t LineEditor::line_begin(std::size_t at) const {
  while (at > 0 && text_[at - 1].code != '\n') --at;
  return at;
}

std::size_t LineEditor::line_end(std::size_t at) const {
  while (at < text_.size() && text_[at].code != '\n') ++at;
  return at;
}

void LineEditor::home() {
  cursor_ = line_begin(cursor_);
}

void LineEditor::end() {
  cursor_ = line_end(cursor_);
}

bool LineEditor::up() {
  const std::size_t begin = line_begin(cursor_);
  if (begin == 0) return false;
  const std::size_t above = line_begin(begin - 1);
  cursor_ = std::min(above + (cursor_ - begin), begin - 1);
  return true;
}

bool LineEditor::down() {
  const std::size_t end = line_end(cursor_);
  if (end == text_.size()) return false;
  cursor_ = std::min(end + 1 + (cursor_ - line_begin(cursor_)), line_end(end + 1));
  return true;
}

std::string LineEditor::text(std::size_t end) const {
  std::string out;
  for (std::size_t i = 0; i < end; ++i) out += encoded(text_[i].code);
  return out;
}

bool LineEditor::is_command() const {
  return !text_.empty() && text_[0].code == '/' && !text_[0].pasted;
}

}  // namespace kith::cli
