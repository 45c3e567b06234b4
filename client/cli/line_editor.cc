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

// Whether two characters are read as two. Joined emoji are taken apart on the screen, so here too.
bool parts(std::int32_t first, std::int32_t second, std::int32_t* state) {
  constexpr std::int32_t kJoiner = 0x200d;
  return utf8proc_grapheme_break_stateful(first, second, state) || first == kJoiner;
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0);
}

}  // namespace

bool LineEditor::insert(char32_t code, bool pasted) {
  return put({{code, pasted}}, encoded(code).size());
}

bool LineEditor::type(std::string_view character) {
  bool all = true;
  decode(character, [&](char32_t c) { all = (is_control(c) || insert(c, false)) && all; });
  return all;
}

bool LineEditor::paste(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  std::vector<Character> fresh;
  std::size_t bytes = 0;
  char32_t last = 0;
  decode(text, [&](char32_t c) {
    const bool second = c == '\n' && last == '\r';
    last = c;
    if (c == '\r') c = '\n';
    if (second || (is_control(c) && c != '\n' && c != '\t')) return;
    fresh.push_back({c, true});
    bytes += encoded(c).size();
  });
  return put(fresh, bytes);
}

bool LineEditor::put(const std::vector<Character>& fresh, std::size_t bytes) {
  if (bytes_ + bytes > limits::body_bytes_max - kEnvelope) return false;
  text_.insert(text_.begin() + static_cast<std::ptrdiff_t>(cursor_), fresh.begin(), fresh.end());
  cursor_ += fresh.size();
  bytes_ += bytes;
  return true;
}

void LineEditor::remove(std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) bytes_ -= encoded(text_[i].code).size();
  const auto at = [this](std::size_t i) { return text_.begin() + static_cast<std::ptrdiff_t>(i); };
  text_.erase(at(begin), at(end));
  if (cursor_ > begin) cursor_ -= std::min(cursor_, end) - begin;
}

void LineEditor::erase() {
  remove(cursor_, after());
}

void LineEditor::backspace() {
  if (cursor_ > 0) remove(cursor_ - 1, cursor_);
}

void LineEditor::cut(std::size_t begin, std::size_t end) {
  if (begin == end) return;
  taken_.assign(text_.begin() + static_cast<std::ptrdiff_t>(begin),
                text_.begin() + static_cast<std::ptrdiff_t>(end));
  remove(begin, end);
}

void LineEditor::cut_word() {
  cut(word_before(), cursor_);
}

void LineEditor::cut_next_word() {
  cut(cursor_, word_after());
}

void LineEditor::cut_to_end() {
  const std::size_t end = line_end(cursor_);
  cut(cursor_, end > cursor_ ? end : std::min(end + 1, text_.size()));
}

void LineEditor::cut_all() {
  cut(0, text_.size());
}

bool LineEditor::yank() {
  std::size_t bytes = 0;
  for (const Character& c : taken_) bytes += encoded(c.code).size();
  return put(taken_, bytes);
}

bool LineEditor::is_space(std::size_t at) const {
  return text_[at].code == ' ' || text_[at].code == '\n' || text_[at].code == '\t';
}

void LineEditor::clear() {
  text_.clear();
  cursor_ = bytes_ = 0;
}

std::size_t LineEditor::after() const {
  if (cursor_ >= text_.size()) return cursor_;
  utf8proc_int32_t state = 0;
  std::size_t at = cursor_ + 1;
  while (at < text_.size() && !parts(code(at - 1), code(at), &state)) ++at;
  return at;
}

std::size_t LineEditor::before() const {
  // Flags are pairs counted from a beginning that is sure: that of the line.
  utf8proc_int32_t state = 0;
  std::size_t last = line_begin(cursor_);
  if (last == cursor_) return last > 0 ? last - 1 : 0;
  for (std::size_t at = last + 1; at < cursor_; ++at) {
    if (parts(code(at - 1), code(at), &state)) last = at;
  }
  return last;
}

std::size_t LineEditor::word_before() const {
  std::size_t at = cursor_;
  while (at > 0 && is_space(at - 1)) --at;
  while (at > 0 && !is_space(at - 1)) --at;
  return at;
}

std::size_t LineEditor::word_after() const {
  std::size_t at = cursor_;
  while (at < text_.size() && is_space(at)) ++at;
  while (at < text_.size() && !is_space(at)) ++at;
  return at;
}

void LineEditor::left() {
  cursor_ = before();
}

void LineEditor::right() {
  cursor_ = after();
}

void LineEditor::word_left() {
  cursor_ = word_before();
}

void LineEditor::word_right() {
  cursor_ = word_after();
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
