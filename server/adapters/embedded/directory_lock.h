// DirectoryLock keeps a data directory for one process.
#pragma once

#include <memory>
#include <string>

#include "kith/core/result.h"

namespace kith::server {

// An exclusive lock on the file "lock" of the directory until destruction (or the end of the process).
class DirectoryLock {
 public:
  // Creates the directory if it is missing. Fails with kAlreadyOpen or kIo.
  static Result<std::unique_ptr<DirectoryLock>> take(const std::string& dir);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace kith::server
