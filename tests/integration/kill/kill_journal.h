// Journal: the events that an application saw before it was killed: one file per device, each line
// on the disk before the next step.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "examples/replay/lines.h"

namespace killing {

// Lines: "try" conversation text, before send(); "accepted" conversation id text, after it;
// "acked" conversation id seq, own message placed; "seen" conversation id seq, anybody's message
// shown; "failed" sentence, what must not happen.
class Journal {
 public:
  // Appends; throws std::runtime_error if the file cannot be had.
  explicit Journal(const std::string& path);
  ~Journal();
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;

  // Any thread. Returns after the line is on the disk.
  void write(const replay::Fields& fields);
  // Survives the process, not a power cut.
  void note(const replay::Fields& fields);

 private:
  void append(const replay::Fields& fields, bool sync);

  std::mutex mutex_;
  int file_ = -1;
};

// The whole lines of a journal; a last line without its end was cut by a kill.
std::vector<replay::Fields> read_journal(const std::string& path);

}  // namespace killing
