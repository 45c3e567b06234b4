// paint(): a picture to a frame: conversations left, timeline right, state and composer below.
#pragma once

#include <string>

#include "client/cli/chat_model.h"
#include "client/cli/frame.h"
#include "client/cli/line_editor.h"

namespace kith::cli {

// How the person looks at the picture.
struct View {
  std::size_t scroll = 0;              // rows of the timeline below the frame
  bool at_oldest = false;              // set by paint(): the first row of the timeline is shown
  std::size_t page_top = 0;            // rows of a page above the frame
  std::uint64_t page = 0;              // serial of the page that was shown last
  std::string notice;                  // shown in the state lines instead of the rest
  std::optional<MessageId> selected;   // kept on the frame
  std::optional<MessageId> first_new;  // a line above it divides what was read from what is new
  // Set by paint(), so that what is looked at stays where it is when messages arrive: a message on
  // the last row, how many rows below the message's first one that is, and `scroll` as painted.
  MessageId bottom;
  std::size_t bottom_row = 0;
  std::size_t painted = 0;
};

// Keeps view.scroll within what there is, and sets view.at_oldest.
Frame paint(const Picture& picture, const LineEditor& editor, View& view, int height, int width);

}  // namespace kith::cli
