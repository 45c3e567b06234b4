// A copy of a data directory that is in use.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "kith/core/result.h"

namespace kith::server {

// Copies the database `from` as it is at one moment of the call to the new file `to`; others go on writing. Durable
// when it returns. `cancelled` is looked at between two steps (kCancelled). Fails with kDiskFull, kIo, kCacheCorrupt.
Status copy_database(const std::string& from, const std::string& to,
                     const std::atomic<bool>& cancelled);

// A new directory that has its name only when it is complete: `to` + ".partial" until finish(). Removed again if
// finish() was not reached.
class BackupDirectory {
 public:
  // `to` must not exist, or be an empty directory. Fails with kAlreadyExists, kIo, kDiskFull.
  static Result<BackupDirectory> make(const std::string& to);
  ~BackupDirectory();
  BackupDirectory(BackupDirectory&& other) noexcept;
  BackupDirectory& operator=(BackupDirectory&&) = delete;

  [[nodiscard]] const std::string& path() const { return partial_; }
  Status finish();

 private:
  BackupDirectory(std::string to, std::string partial)
      : to_(std::move(to)), partial_(std::move(partial)) {}
  std::string to_;
  std::string partial_;  // empty: finished
};

}  // namespace kith::server
