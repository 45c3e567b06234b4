// Draws frames with ncurses.
#include "client/cli/canvas.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cwchar>

namespace kith::cli {
namespace {

constexpr char kPasteOn[] = "\x1b[?2004h";
constexpr char kPasteOff[] = "\x1b[?2004l";

attr_t attributes(const Style& style) {
  attr_t out = A_NORMAL;
  if (style.bold) out |= A_BOLD;
  if (style.dim) out |= A_DIM;
  if (style.reverse) out |= A_REVERSE;
  if (style.color != Color::kNone) out |= COLOR_PAIR(static_cast<int>(style.color));
  return out;
}

// The bytes went through the filter, so they are UTF-8.
std::wstring wide(const std::string& text) {
  std::wstring out;
  std::mbstate_t state{};
  for (std::size_t at = 0; at < text.size();) {
    wchar_t c = 0;
    const std::size_t n = std::mbrtowc(&c, text.data() + at, text.size() - at, &state);
    if (n == 0 || n > text.size()) break;
    out += c;
    at += n;
  }
  return out;
}

void draw(const Row& row, int y) {
  ::move(y, row.x);
  for (const Span& span : row.spans) {
    // The part that a search has marked is written by its own, inside the isolate of the whole.
    const std::string bytes = span.text.bytes("\x1", "\x2");
    std::size_t at = 0;
    attr_t now = attributes(span.style);
    while (at < bytes.size()) {
      const std::size_t end = std::min(bytes.find_first_of("\x1\x2", at), bytes.size());
      const std::wstring part = wide(bytes.substr(at, end - at));
      attrset(now);
      addnwstr(part.c_str(), static_cast<int>(part.size()));
      if (end < bytes.size())
        now = attributes(span.style) | (bytes[end] == '\x1' ? A_BOLD | A_UNDERLINE : A_NORMAL);
      at = end + 1;
    }
  }
}

void start() {
  initscr();
  raw();
  nonl();  // Enter and Ctrl-J are two keys
  noecho();
  const char* none = std::getenv("NO_COLOR");  // no-color.org: any value but an empty one
  if (!has_colors() || (none != nullptr && *none != '\0')) return;
  start_color();
  use_default_colors();
  init_pair(static_cast<short>(Color::kAccent), COLOR_GREEN, -1);
  init_pair(static_cast<short>(Color::kRead), COLOR_CYAN, -1);
  init_pair(static_cast<short>(Color::kAlert), COLOR_RED, -1);
  init_pair(static_cast<short>(Color::kName), COLOR_YELLOW, -1);
}

void tell_terminal(const char* sequence) {
  std::fputs(sequence, stdout);
  std::fflush(stdout);
}

}  // namespace

Canvas::Canvas() {
  start();
  tell_terminal(kPasteOn);
}

Canvas::~Canvas() {
  tell_terminal(kPasteOff);
  endwin();
}

int Canvas::height() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && is_term_resized(size.ws_row, size.ws_col))
    resizeterm(size.ws_row, size.ws_col);
  return getmaxy(stdscr);
}

int Canvas::width() {
  return getmaxx(stdscr);
}

void Canvas::show(const Frame& frame) {
  erase();
  for (int y = 0; y < frame.height; ++y) {
    for (const Row& row : frame.lines[static_cast<std::size_t>(y)]) draw(row, y);
  }
  attrset(A_NORMAL);
  ::move(frame.cursor_y, frame.cursor_x);
  refresh();
}

void Canvas::repaint() {
  clearok(stdscr, TRUE);
}

void Canvas::suspend() {
  tell_terminal(kPasteOff);
  endwin();
  ::raise(SIGTSTP);
  tell_terminal(kPasteOn);
  refresh();
}

bool Canvas::read(std::string* bytes) {
  bytes->clear();
  for (;;) {
    pollfd ready{STDIN_FILENO, POLLIN, 0};
    if (::poll(&ready, 1, 0) <= 0 || !(ready.revents & (POLLIN | POLLHUP))) return true;
    char some[4096];
    const ssize_t n = ::read(STDIN_FILENO, some, sizeof some);
    if (n > 0) bytes->append(some, static_cast<std::size_t>(n));
    if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) return false;
    if (n < static_cast<ssize_t>(sizeof some)) return true;
  }
}

}  // namespace kith::cli
