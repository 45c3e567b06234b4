// EditedText: Unicode, as utf8proc has it.
#include "client/cli/edited_text.h"

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

// Whether two characters are read as two. Joined emoji are taken apart on the screen, so here too.
bool parts(std::int32_t first, std::int32_t second, std::int32_t* state) {
  constexpr std::int32_t kJoiner = 0x200d;
  return utf8proc_grapheme_break_stateful(first, second, state) || first == kJoiner;
}

}  // namespace

EditedText::Characters characters_of(std::string_view text, bool pasted) {
  EditedText::Characters found;
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t code = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data() + at),
                                       static_cast<utf8proc_ssize_t>(text.size() - at), &code);
    found.push_back({size > 0 ? static_cast<char32_t>(code) : kReplacement, pasted});
    at += size > 0 ? static_cast<std::size_t>(size) : 1;
  }
  return found;
}

bool EditedText::put(std::size_t at, const Characters& fresh) {
  std::size_t bytes = 0;
  for (const Character& c : fresh) bytes += encoded(c.code).size();
  if (bytes_ + bytes > limits::body_bytes_max - kEnvelope) return false;
  text_.insert(text_.begin() + static_cast<std::ptrdiff_t>(at), fresh.begin(), fresh.end());
  bytes_ += bytes;
  return true;
}

std::size_t EditedText::remove(std::size_t begin, std::size_t end, std::size_t cursor) {
  for (std::size_t i = begin; i < end; ++i) bytes_ -= encoded(text_[i].code).size();
  const auto at = [this](std::size_t i) { return text_.begin() + static_cast<std::ptrdiff_t>(i); };
  text_.erase(at(begin), at(end));
  return cursor > begin ? cursor - (std::min(cursor, end) - begin) : cursor;
}

void EditedText::clear() {
  text_.clear();
  bytes_ = 0;
}

std::string EditedText::utf8(std::size_t end) const {
  std::string out;
  for (std::size_t i = 0; i < end; ++i) out += encoded(text_[i].code);
  return out;
}

EditedText::Characters EditedText::part(std::size_t begin, std::size_t end) const {
  return {text_.begin() + static_cast<std::ptrdiff_t>(begin),
          text_.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::size_t EditedText::after(std::size_t place) const {
  if (place >= text_.size()) return place;
  utf8proc_int32_t state = 0;
  std::size_t at = place + 1;
  while (at < text_.size() && !parts(code(at - 1), code(at), &state)) ++at;
  return at;
}

std::size_t EditedText::before(std::size_t place) const {
  // Flags are pairs counted from a beginning that is sure: that of the line.
  utf8proc_int32_t state = 0;
  std::size_t last = line_begin(place);
  if (last == place) return last > 0 ? last - 1 : 0;
  for (std::size_t at = last + 1; at < place; ++at) {
    if (parts(code(at - 1), code(at), &state)) last = at;
  }
  return last;
}

std::size_t EditedText::word_before(std::size_t at) const {
  while (at > 0 && is_space(at - 1)) --at;
  while (at > 0 && !is_space(at - 1)) --at;
  return at;
}

std::size_t EditedText::word_after(std::size_t at) const {
  while (at < text_.size() && is_space(at)) ++at;
  while (at < text_.size() && !is_space(at)) ++at;
  return at;
}

std::size_t EditedText::line_begin(std::size_t at) const {
  while (at > 0 && text_[at - 1].code != '\n') --at;
  return at;
}

std::size_t EditedText::line_end(std::size_t at) const {
  while (at < text_.size() && text_[at].code != '\n') ++at;
  return at;
}

bool EditedText::is_space(std::size_t at) const {
  return text_[at].code == ' ' || text_[at].code == '\n' || text_[at].code == '\t';
}

}  // namespace kith::cli
