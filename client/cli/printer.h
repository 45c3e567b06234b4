// Printer: the only way of kith's line mode to standard output and standard error. Everything
// given to it is filtered, so nothing from outside can steer a terminal or pass for another line.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "client/cli/shown_text.h"
#include "kith/core/result.h"

namespace kith::cli {

// Not synchronised: one thread at a time.
class Printer {
 public:
  using Write = ssize_t (*)(int fd, const void* bytes, std::size_t size);  // as write(2)

  explicit Printer(int fd, Write write = nullptr);  // null: write(2)
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;

  // `head` and the first line of `body` on one line, further ones and what does not fit below it,
  // indented. Each piece of the head is isolated from the others.
  void line(const std::vector<std::string>& head, std::string_view body, std::string_view tail = {},
            const std::vector<TextRange>& marks = {});
  void line(std::string_view text) { line({}, text); }
  // One JSON object: what a terminal or a reader of lines could take for more than text is escaped.
  void json(std::string_view object);
  // Words of kith itself, which may have several lines.
  void own(std::string_view text);
  // At once, and the line goes on.
  void prompt(std::string_view text);

  // Everything printed so far is with the system, or why not: kIo, kDiskFull, kClosed (nobody reads
  // any more). An error stays.
  Status flush();
  // While it waits for a slow reader, flush() gives up (kCancelled) once `fd` is readable.
  void interrupt_by(int fd) { interrupt_ = fd; }
  [[nodiscard]] bool terminal() const { return terminal_; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  [[nodiscard]] bool wait_writable() const;

  const int fd_;
  const Write write_;
  const bool terminal_;
  int columns_ = 0;  // 0: lines are not wrapped
  int interrupt_ = -1;
  std::string waiting_;
  Status failed_;
};

Printer& standard_output();
Printer& standard_error();

// Bytes of JSON in which control characters, directional formatting and line separators of Unicode
// are written as \uXXXX.
std::string escaped_json(std::string_view json);

}  // namespace kith::cli
