// The command line of kith-bench.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/load/traffic.h"
#include "kith/core/result.h"

namespace kith::bench {

struct Options {
  std::string scenario;
  std::string url;
  std::string ca_file;
  std::string secret_file;
  std::string secret;  // what the file holds
  std::string token;
  std::string prefix = "bench";
  std::uint32_t connections = 1000;
  std::uint32_t active = 0;         // connections that talk; 0 = all
  std::uint32_t conversations = 0;  // pairs, open: 1:1 conversations; 0 = one for each pair
  std::uint64_t cursor = 0;         // pairs, open: earlier events are known, as to a cache
  std::uint32_t outstanding = 1;
  Until until = Until::kDelivered;
  std::uint32_t group = 100;
  std::uint32_t bytes = 100;
  std::uint32_t queued = 100;  // catchup: messages that wait for each user
  std::uint32_t kills = 3;     // crash
  bool jitter = true;          // reconnect: people come back spread over a second
  std::vector<double> rates;
  double seconds = 10;
  double warmup = 2;
  int pid = 0;
  int cpu = -1;
  std::string server_command;
  std::string metrics;  // host:port
  std::string plot_file;
  bool json = false;
  bool help = false;
};

// Fails with kBadConfig and a sentence that names the flag. Reads the files that flags name.
Result<Options> parse_options(const std::vector<std::string>& arguments);
const char* help_text();
// Pairs that talk.
std::uint32_t pairs_of(const Options& options);

}  // namespace kith::bench
