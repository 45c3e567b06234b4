// LogLine as one line of text or JSON.
#include "kith/server/log_line.h"

#include <array>
#include <cstdint>
#include <cstdio>

#include "src/utf8.h"

namespace kith::server {
namespace {

struct CodePoint {
  std::uint32_t value = 0;
  std::size_t bytes = 1;
};

// `text` is well-formed UTF-8.
CodePoint code_point_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[at + i]));
  };
  const std::uint32_t first = byte(0);
  if (first < 0x80) return {first, 1};
  if (first < 0xe0) return {(first & 0x1f) << 6 | (byte(1) & 0x3f), 2};
  if (first < 0xf0) return {(first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
  return {(first & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f),
          4};
}

// C0, C1, line and paragraph separators, zero widths, and what turns the direction of writing.
bool hidden(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
         (c >= 0xe0000 && c <= 0xe007f);
}

// JSON can say what is above U+FFFF in two halves only.
void append_escaped(std::string& out, std::uint32_t c) {
  const auto unit = [&out](std::uint32_t value) {
    std::array<char, 12> text{};
    std::snprintf(text.data(), text.size(), "\\u%04x", value);
    out += text.data();
  };
  if (c < 0x10000) return unit(c);
  unit(0xd800 + ((c - 0x10000) >> 10));
  unit(0xdc00 + ((c - 0x10000) & 0x3ff));
}

// Between double quotes.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  const bool well_formed = is_utf8(text);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c =
        well_formed ? code_point_at(text, at) : CodePoint{static_cast<unsigned char>(text[at]), 1};
    if (c.value == '"' || c.value == '\\') {
      out += '\\';
      out += text[at];
    } else if (c.value == '\n') {
      out += "\\n";
    } else if (hidden(c.value) || (!well_formed && c.value >= 0x80)) {
      append_escaped(out, c.value);
    } else {
      out.append(text.substr(at, c.bytes));
    }
    at += c.bytes;
  }
  out += '"';
}

bool plain(std::string_view text) {
  if (text.empty()) return false;
  for (const char c : text) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') return false;
  }
  return true;
}

void append_value(std::string& out, std::string_view text) {
  if (plain(text)) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

}  // namespace

std::string_view to_string(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "error";
}

std::string to_string(const LogLine& line) {
  std::string out;
  append_value(out, line.event);
  for (const LogField& field : line.fields) {
    out.append(1, ' ').append(field.name).append(1, '=');
    append_value(out, field.value);
  }
  if (line.text.empty()) return out;
  out += " msg=";
  append_quoted(out, line.text);
  return out;
}

std::string to_json(const LogLine& line, std::string_view time) {
  std::string out = "{";
  const auto member = [&out](std::string_view name, std::string_view value) {
    if (out.size() > 1) out += ',';
    append_quoted(out, name);
    out += ':';
    append_quoted(out, value);
  };
  if (!time.empty()) member("time", time);
  member("level", to_string(line.level));
  member("event", line.event);
  for (const LogField& field : line.fields) member(field.name, field.value);
  if (!line.text.empty()) member("msg", line.text);
  out += '}';
  return out;
}

}  // namespace kith::server
