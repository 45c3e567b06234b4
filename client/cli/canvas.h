// Canvas: the terminal, while the full screen is on it. Shows frames and reads bytes.
#pragma once

#include <string>

#include "client/cli/frame.h"

namespace kith::cli {

// One at a time, one thread.
class Canvas {
 public:
  Canvas();
  ~Canvas();
  Canvas(const Canvas&) = delete;
  Canvas& operator=(const Canvas&) = delete;

  // As large as the terminal is now.
  [[nodiscard]] int height();
  [[nodiscard]] int width();
  void show(const Frame& frame);
  // Everything again, whatever another program has written over it.
  void repaint();
  // Gives the terminal back to the shell until the program is resumed.
  void suspend();
  // Returns what was typed since; empty: nothing. False: the terminal is gone.
  bool read(std::string* bytes);
};

}  // namespace kith::cli
