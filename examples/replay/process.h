// A child process with pipes to its standard input and output; it dies with its parent.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace replay {

class Process {
 public:
  // Starts `command`; standard error goes to the file `log` (appended). Throws std::runtime_error
  // if that fails.
  Process(const std::vector<std::string>& command, const std::string& log);
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The next line without its end; false at the end of the output.
  bool read_line(std::string& line);
  // False if the process is gone.
  bool write(const std::string& text);
  void kill_now();  // SIGKILL, and waits
  void stop();      // SIGTERM, and waits; SIGKILL after 10 s
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  void reap(bool force_after_limit);

  pid_t pid_ = -1;
  int in_ = -1;   // its standard input
  int out_ = -1;  // its standard output
  std::string buffer_;
};

}  // namespace replay
