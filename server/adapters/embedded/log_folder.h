// The directory of the journal, as the log sees it: a few files that are written at given places.
// A test puts its faults in between.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/result.h"

namespace kith::server {

// One open file. Threads: one at a time. Fails with kDiskFull or kIo.
class LogFile {
 public:
  virtual ~LogFile() = default;
  // All of `bytes`. After a failure some of them may be there.
  virtual Status write(std::string_view bytes, std::uint64_t offset) = 0;
  // Up to `size` bytes from `offset` on: fewer only where the file ends.
  virtual Result<std::string> read(std::uint64_t offset, std::size_t size) = 0;
  virtual Result<std::uint64_t> size() = 0;
  virtual Status cut(std::uint64_t size) = 0;
  // Written and cut bytes survive a power loss. After a failure the state of the disk is unknown,
  // and a second call that succeeds proves nothing.
  virtual Status sync() = 0;
};

// Threads: any.
class LogFolder {
 public:
  virtual ~LogFolder() = default;
  virtual Result<std::vector<std::string>> names() = 0;
  virtual Result<std::unique_ptr<LogFile>> open(const std::string& name) = 0;
  // An empty file, also where there was one.
  virtual Result<std::unique_ptr<LogFile>> create(const std::string& name) = 0;
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Ok also if there is no such file.
  virtual Status remove(const std::string& name) = 0;
  // The names survive a power loss.
  virtual Status sync() = 0;
  // For error messages.
  [[nodiscard]] virtual std::string path_of(const std::string& name) const = 0;
};

// A directory of the file system, which is created if it is missing; for its owner alone.
Result<std::unique_ptr<LogFolder>> open_log_folder(const std::string& path);
// Names in the directory `path` survive a power loss.
Status sync_directory(const std::string& path);

}  // namespace kith::server
