// Editing the input line, and conversion between UTF-8 and wide characters.
#include "client/cli/line_editor.h"

#include <cstdint>

#include "kith/core/limits.h"

namespace kith::cli {
namespace {

constexpr wchar_t kReplacement = 0xfffd;

// The code point at `at`, which moves behind it; kReplacement for what is no UTF-8.
wchar_t decode(const std::string& text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return static_cast<wchar_t>(lead);
  const int more = lead >= 0xf0 && lead < 0xf5 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc2 ? 1 : 0;
  if (more == 0 || lead >= 0xf5) return kReplacement;
  std::uint32_t code = lead & (0x3fU >> more);
  for (int i = 0; i < more; ++i) {
    if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) {
      return kReplacement;
    }
    code = (code << 6) | (static_cast<unsigned char>(text[at++]) & 0x3f);
  }
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return kReplacement;
  return static_cast<wchar_t>(code);
}

void append(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

}  // namespace

std::string to_utf8(const std::wstring& text) {
  std::string out;
  for (const wchar_t c : text) append(out, static_cast<std::uint32_t>(c));
  return out;
}

std::wstring to_wide(const std::string& text) {
  std::wstring out;
  for (std::size_t at = 0; at < text.size();) {
    const wchar_t c = decode(text, at);
    if (c == L'\n' || c == L'\t') {
      out += L' ';
    } else if (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0)) {
      out += c;
    }
  }
  return out;
}

void LineEditor::insert(wchar_t c) {
  // Up to 4 bytes a character: what is typed always fits into a message.
  if (text_.size() >= limits::body_bytes_max / 4 - 16) return;
  text_.insert(cursor_++, 1, c);
}

void LineEditor::backspace() {
  if (cursor_ > 0) text_.erase(--cursor_, 1);
}

void LineEditor::erase() {
  if (cursor_ < text_.size()) text_.erase(cursor_, 1);
}

void LineEditor::erase_word() {
  while (cursor_ > 0 && text_[cursor_ - 1] == L' ') backspace();
  while (cursor_ > 0 && text_[cursor_ - 1] != L' ') backspace();
}

void LineEditor::clear() {
  text_.clear();
  cursor_ = 0;
}

void LineEditor::left() {
  if (cursor_ > 0) --cursor_;
}

void LineEditor::right() {
  if (cursor_ < text_.size()) ++cursor_;
}

}  // namespace kith::cli
