// Frame: what a terminal is to show, before any terminal is asked.
#pragma once

#include <string>
#include <vector>

#include "client/cli/shown_text.h"

namespace kith::cli {

enum class Color : std::uint8_t { kNone, kAccent, kRead, kAlert, kName };

struct Style {
  bool bold = false;
  bool dim = false;
  bool reverse = false;
  Color color = Color::kNone;
};

struct Span {
  ShownText text;
  Style style;
};

// Texts that stand beside each other.
struct Row {
  int x = 0;
  std::vector<Span> spans;

  [[nodiscard]] int columns() const {
    int columns = 0;
    for (const Span& span : spans) columns += span.text.columns();
    return columns;
  }
};

struct Frame {
  int height = 0;
  int width = 0;
  std::vector<std::vector<Row>> lines;  // `height` of them, each with what stands on it
  int cursor_y = 0;
  int cursor_x = 0;

  // Line `y` as one reads it, filled up with spaces.
  [[nodiscard]] std::string line(int y) const {
    std::string out;
    int at = 0;
    for (const Row& row : lines[static_cast<std::size_t>(y)]) {
      for (; at < row.x; ++at) out += ' ';
      for (const Span& span : row.spans) {
        for (const Glyph& glyph : span.text.glyphs()) out += glyph.bytes;
        at += span.text.columns();
      }
    }
    return out;
  }
};

}  // namespace kith::cli
