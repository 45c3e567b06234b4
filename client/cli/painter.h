// Draws a picture on the terminal: conversations left, timeline right, input line and state line
// below.
#pragma once

#include <string>

#include "client/cli/chat_model.h"
#include "client/cli/line_editor.h"

namespace kith::cli {

struct View {
  std::size_t scroll = 0;  // rows of the timeline below the picture
  bool at_oldest = false;  // set by draw(): the first row of the timeline is on the screen
  std::string notice;      // shown in the state line instead of the rest
};

// Owns the terminal while it lives. One at a time, one thread.
class Painter {
 public:
  Painter();
  ~Painter();
  Painter(const Painter&) = delete;
  Painter& operator=(const Painter&) = delete;

  // Keeps view.scroll within what there is, and sets view.at_oldest.
  void draw(const Picture& picture, const LineEditor& editor, View& view);
};

}  // namespace kith::cli
