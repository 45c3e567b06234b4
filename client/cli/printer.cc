// Prints filtered text and remembers what could not be written.
#include "client/cli/printer.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>

namespace kith::cli {
namespace {

constexpr int kIndent = 18;  // as wide as the time before a message
constexpr int kNarrowest = 20;
constexpr std::size_t kBufferMax = 64 * 1024;

int columns_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col < kNarrowest ? 0 : size.ws_col;
}

// Characters that a reader may take for something else than text.
bool steers(utf8proc_int32_t c) {
  if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return true;
  switch (utf8proc_get_property(c)->category) {
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return true;
    default:
      return false;
  }
}

void append_escaped(std::string& out, utf8proc_int32_t c) {
  char text[16];
  if (c >= 0x10000) {
    const int rest = c - 0x10000;
    std::snprintf(text, sizeof text, "\\u%04x\\u%04x", 0xd800 + (rest >> 10),
                  0xdc00 + (rest & 0x3ff));
  } else {
    std::snprintf(text, sizeof text, "\\u%04x", c);
  }
  out += text;
}

}  // namespace

std::string escaped_json(std::string_view json) {
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    utf8proc_int32_t c = 0;
    const auto size = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(json.data() + at),
                                       static_cast<utf8proc_ssize_t>(json.size() - at), &c);
    if (size <= 0) {
      out += "\\ufffd";
      ++at;
      continue;
    }
    if (steers(c)) {
      append_escaped(out, c);
    } else {
      out.append(json.substr(at, static_cast<std::size_t>(size)));
    }
    at += static_cast<std::size_t>(size);
  }
  return out;
}

Printer::Printer(int fd, Write write)
    : fd_(fd),
      write_(write == nullptr ? ::write : write),
      terminal_(::isatty(fd) == 1),
      columns_(terminal_ ? columns_of(fd) : 0) {}

void Printer::line(const std::vector<std::string>& head, std::string_view body,
                   std::string_view tail, const std::vector<TextRange>& marks) {
  const Form form = terminal_ ? Form::kTerminal : Form::kFile;
  int used = 0;
  for (const std::string& piece : head) {
    ShownText text = ShownText::line(piece, form);
    if (columns_) text = text.cut(std::max(columns_ - used - kNarrowest / 2, 1));
    used += text.columns();
    waiting_ += text.bytes();
  }
  const ShownText end = ShownText::line(tail, form);
  const std::string indent(head.empty() ? 2 : kIndent, ' ');
  const int rest = columns_ - static_cast<int>(indent.size());
  bool first = true;
  for (const ShownText& text : ShownText::lines(body, form, marks)) {
    // Less room on every row than there is, so that the tail fits behind the last one.
    const auto rows = columns_ ? text.wrapped((first ? columns_ - used : rest) - end.columns(),
                                              rest - end.columns())
                               : std::vector<ShownText>{text};
    for (const ShownText& row : rows) {
      if (!first) waiting_ += "\n" + indent;
      first = false;
      waiting_ += terminal_ ? row.bytes("\x1b[1m", "\x1b[0m") : row.bytes();
    }
  }
  waiting_ += end.bytes() + "\n";
  if (waiting_.size() > kBufferMax) (void)flush();
}

void Printer::json(std::string_view object) {
  waiting_ += escaped_json(object) + "\n";
  if (waiting_.size() > kBufferMax) (void)flush();
}

void Printer::own(std::string_view text) {
  const Form form = terminal_ ? Form::kTerminal : Form::kFile;
  if (!text.empty() && text.back() == '\n') text.remove_suffix(1);
  for (const ShownText& line : ShownText::lines(text, form)) waiting_ += line.bytes() + "\n";
}

void Printer::prompt(std::string_view text) {
  waiting_ += ShownText::line(text, terminal_ ? Form::kTerminal : Form::kFile).bytes();
  (void)flush();
}

// False: interrupted.
bool Printer::wait_writable() const {
  pollfd wanted[2] = {{fd_, POLLOUT, 0}, {interrupt_, POLLIN, 0}};
  while (::poll(wanted, interrupt_ < 0 ? 1 : 2, -1) < 0 && errno == EINTR) {
  }
  return interrupt_ < 0 || wanted[0].revents != 0 || wanted[1].revents == 0;
}

Status Printer::flush() {
  for (std::size_t done = 0; failed_ && done < waiting_.size();) {
    if (interrupt_ >= 0 && !wait_writable()) {
      failed_ = make_error(ErrorCode::kCancelled, "Interrupted.");
      break;
    }
    // A pipe that is writable takes PIPE_BUF bytes without waiting.
    const std::size_t size = std::min<std::size_t>(waiting_.size() - done, PIPE_BUF);
    const ssize_t n = write_(fd_, waiting_.data() + done, size);
    if (n > 0) {
      done += static_cast<std::size_t>(n);
    } else if (n < 0 && errno == EAGAIN) {  // somebody else has made the descriptor non-blocking
      (void)wait_writable();
    } else if (n == 0 || errno != EINTR) {
      const ErrorCode code = errno == EPIPE    ? ErrorCode::kClosed
                             : errno == ENOSPC ? ErrorCode::kDiskFull
                             : errno == EDQUOT ? ErrorCode::kDiskFull
                                               : ErrorCode::kIo;
      failed_ = make_error(
          code, std::string("The output cannot be written: ") + std::strerror(errno) + ".");
    }
  }
  waiting_.clear();
  return failed_;
}

Printer& standard_output() {
  static Printer printer(STDOUT_FILENO);
  return printer;
}

Printer& standard_error() {
  static Printer printer(STDERR_FILENO);
  return printer;
}

}  // namespace kith::cli
