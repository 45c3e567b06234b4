// The journal of one device.
#include "tests/integration/kill/kill_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace killing {

Journal::Journal(const std::string& path)
    : file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
  if (file_ < 0) throw std::runtime_error(path + ": " + std::strerror(errno));
}

Journal::~Journal() {
  ::close(file_);
}

void Journal::write(const replay::Fields& fields) {
  append(fields, true);
}

void Journal::note(const replay::Fields& fields) {
  append(fields, false);
}

void Journal::append(const replay::Fields& fields, bool sync) {
  const std::string line = replay::join(fields);
  const std::lock_guard lock(mutex_);
  const bool whole = ::write(file_, line.data(), line.size()) == static_cast<ssize_t>(line.size());
  if (!whole || (sync && ::fdatasync(file_) != 0))
    ::_exit(3);  // without a witness nothing can be proven
}

std::vector<replay::Fields> read_journal(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::vector<replay::Fields> lines;
  std::string line;
  while (std::getline(in, line)) {
    if (!in.eof()) lines.push_back(replay::split(line));
  }
  return lines;
}

}  // namespace killing
