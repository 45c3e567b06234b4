// The replay's end of a client process: requests with answers, and its death.
#pragma once

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "lines.h"
#include "process.h"

namespace replay {

// All methods from any thread, but kill_and_restart() from one at a time.
class WorkerLink {
 public:
  using Told = std::function<void(
      const Fields&)>;  // lines that the process prints on its own; on the reader thread

  WorkerLink(std::vector<std::string> command, std::string log, Told told);
  ~WorkerLink();
  WorkerLink(const WorkerLink&) = delete;
  WorkerLink& operator=(const WorkerLink&) = delete;

  // The answer ("ok" or "error" first); nothing if the process died before it came. `asked` gets
  // the generation of the process that was asked.
  std::optional<Fields> call(Fields request, std::uint64_t* asked = nullptr);
  // kill -9, then a new process; `between` runs while there is none.
  void kill_and_restart(const std::function<void()>& between);
  // Counts the processes, so that a caller can tell whether it still talks to the same one.
  [[nodiscard]] std::uint64_t generation();

 private:
  void start();
  void read();

  std::vector<std::string> command_;
  std::string log_;
  Told told_;
  std::mutex mutex_;
  std::mutex write_mutex_;
  bool alive_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t next_ = 1;
  std::map<std::string, std::promise<std::optional<Fields>>> waiting_;
  std::shared_ptr<Process> process_;
  std::thread reader_;
};

}  // namespace replay
