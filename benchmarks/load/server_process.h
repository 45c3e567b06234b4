// A server that kith-bench starts and kills itself.
#pragma once

#include <sys/types.h>

#include <string>

#include "benchmarks/load/clock.h"
#include "client/transport/url.h"
#include "kith/core/result.h"

namespace kith::bench {

class ServerProcess {
 public:
  explicit ServerProcess(std::string command) : command_(std::move(command)) {}
  ~ServerProcess();  // SIGTERM, then SIGKILL
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  // Returns when something listens at `url`. kTimeout, kUnavailable if the program ended.
  Status start(const client::ServerUrl& url, Micros patience);
  // kill -9, and waits for the end.
  void kill_now();
  [[nodiscard]] int pid() const { return pid_; }

 private:
  std::string command_;
  pid_t pid_ = -1;
};

}  // namespace kith::bench
