// The command line of kith-replay.
#pragma once

#include <cstdint>
#include <string>

namespace replay {

struct Options {
  std::string file;
  std::size_t rooms = 4;
  std::size_t clients = 64;
  std::size_t devices = 2;
  std::size_t workers = 3;
  std::size_t messages = 0;  // per room; 0 = all
  bool cuts = false;
  bool kills = false;
  double speed = 0;  // times real time; 0 = as fast as it goes
  bool json = false;
  std::uint32_t seed = 1;
  std::string kithd;  // path of the server program
  bool keep = false;  // keep the working directory
  std::string own_path;
};

// Exits with 0 after --help and with 2 after a complaint on standard error.
Options parse_options(int argc, char** argv);

}  // namespace replay
