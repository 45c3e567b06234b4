// The kithd that the replay talks to: started with a development certificate, killed and started
// again on the same port.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "process.h"

namespace replay {

class ServerProcess {
 public:
  ServerProcess(std::string program, std::string data_dir);
  ~ServerProcess();

  // Starts it and waits until it listens; throws std::runtime_error with a sentence if it does not.
  void start();
  // kill -9: nothing is flushed, and no client gets a Goodbye.
  void kill_now();
  void stop();

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] const std::string& ca_file() const { return ca_file_; }

 private:
  void drain();

  std::string program_;
  std::string data_dir_;
  std::string port_ = "0";
  std::string url_;
  std::string ca_file_;
  std::unique_ptr<Process> process_;
  std::thread reader_;  // keeps reading, so that the server never waits for a full pipe
};

}  // namespace replay
