// Trace: lines, their tail and their hash (FNV-1a).
#include "tests/simulation/trace.h"

#include <utility>

namespace kith::sim {

void Trace::line(const std::string& who, const std::string& what) {
  std::string text = std::to_string(time_.now()) + " " + who + " " + what;
  for (const char c : text) {
    hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  ++lines_;
  if (print_) print_(text);
  tail_.push_back(std::move(text));
  if (tail_.size() > kTail) tail_.pop_front();
}

}  // namespace kith::sim
