// Shows a replay: a live bar, a table, one line of JSON.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "check.h"

namespace replay {

// A bar on standard error: redrawn on a terminal, a line now and then elsewhere. One thread.
class Progress {
 public:
  void show(const std::string& phase, std::size_t done, std::size_t all, const std::string& more);
  void end();

 private:
  std::int64_t shown_us_ = 0;
  bool drawn_ = false;
};

struct Summary {
  std::size_t messages = 0;
  std::size_t rooms = 0;
  std::size_t users = 0;
  std::size_t server_kills = 0;
  std::size_t client_kills = 0;
  std::size_t cuts = 0;
  Verdict verdict;
  std::vector<double> sent_ms;      // sorted
  std::vector<double> received_ms;  // sorted
  double seconds = 0;
};

void print_table(const Summary& summary);
void print_json(const Summary& summary);

}  // namespace replay
