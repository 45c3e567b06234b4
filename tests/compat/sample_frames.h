// One real frame of every kind, with every field set: the content of this release's golden files.
#pragma once

#include <string>
#include <vector>

namespace kith::test {

struct Sample {
  std::string name;  // "client_hello", "server_welcome", …: the file name without .bin
  std::string bytes;
};

// In the order of the schema.
std::vector<Sample> sample_frames();

}  // namespace kith::test
