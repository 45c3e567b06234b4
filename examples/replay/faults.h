// Bad days, spread at random over a replay: killed servers, killed client processes, cut
// connections.
#pragma once

#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "options.h"
#include "server_process.h"
#include "stage.h"

namespace replay {

class Faults {
 public:
  Faults(const Options& options, std::size_t lines, ServerProcess& server, Stage& stage);
  ~Faults();

  // Causes the faults that are due when `done` lines have their places. Called on the thread that
  // lives as long as the processes.
  void at(std::size_t done);

  [[nodiscard]] std::size_t server_kills() const { return server_kills_; }
  [[nodiscard]] std::size_t client_kills() const { return client_kills_; }
  [[nodiscard]] std::size_t cuts() const { return cuts_; }

 private:
  enum class Kind { kServerKill, kClientKill, kCut };
  struct Fault {
    std::size_t at = 0;
    Kind kind = Kind::kCut;
  };
  void plan(Kind kind, std::size_t count, std::size_t lines);
  void cut();

  const Options& options_;
  ServerProcess& server_;
  Stage& stage_;
  std::mt19937 random_;
  std::vector<Fault> plan_;  // latest first
  std::vector<std::thread> offline_;
  std::size_t server_kills_ = 0;
  std::size_t client_kills_ = 0;
  std::size_t cuts_ = 0;
};

}  // namespace replay
