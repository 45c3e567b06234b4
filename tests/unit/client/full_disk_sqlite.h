// A disk that can be full: while one of these lives, every SQLite database that is opened writes
// through it. A full one has no room for the index of a write-ahead log either.
#pragma once

#include <sqlite3.h>

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace kith::client {

class FullDisk {
 public:
  FullDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    self_ = this;
    vfs_.zName = "full-disk";
    vfs_.pNext = nullptr;
    vfs_.xOpen = &FullDisk::open;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~FullDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
    self_ = nullptr;
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;

  // Only files whose path contains `part` find the disk full.
  void fill(bool full, std::string part = "") {
    const std::lock_guard lock(mutex_);
    part_ = std::move(part);
    full_ = full;
  }
  [[nodiscard]] int refused() const { return refused_; }

 private:
  // The files stay the real system's; only writing goes by here.
  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    const int rc = self_->real_->xOpen(self_->real_, name, file, flags, out_flags);
    if (rc != SQLITE_OK || file->pMethods == nullptr) return rc;
    file->pMethods = &wrapped(file->pMethods).mine;
    const std::lock_guard lock(self_->mutex_);
    self_->names_[file] = name ? name : "";
    return rc;
  }
  static int write(sqlite3_file* file, const void* bytes, int size, sqlite3_int64 at) {
    if (self_->full_ && self_->concerns(file)) return ++self_->refused_, SQLITE_FULL;
    return reinterpret_cast<const Methods*>(file->pMethods)->real->xWrite(file, bytes, size, at);
  }

  static int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** at) {
    if (self_->full_ && extend != 0 && self_->concerns(file)) {
      return ++self_->refused_, SQLITE_IOERR_SHMSIZE;
    }
    return reinterpret_cast<const Methods*>(file->pMethods)
        ->real->xShmMap(file, region, size, extend, at);
  }

  bool concerns(sqlite3_file* file) {
    const std::lock_guard lock(mutex_);
    return names_[file].find(part_) != std::string::npos;
  }

  // The system has a table of methods for each way of locking; each gets its own here.
  struct Methods {
    sqlite3_io_methods mine;  // first: SQLite's pointer to it is a pointer to this
    const sqlite3_io_methods* real;
  };
  static Methods& wrapped(const sqlite3_io_methods* real) {
    static std::mutex mutex;
    static std::map<const sqlite3_io_methods*, Methods> all;
    const std::lock_guard lock(mutex);
    const auto [known, fresh] = all.try_emplace(real, Methods{*real, real});
    known->second.mine.xWrite = &FullDisk::write;
    if (real->iVersion >= 2 && real->xShmMap) known->second.mine.xShmMap = &FullDisk::shm_map;
    return known->second;
  }

  static inline FullDisk* self_ = nullptr;
  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  std::mutex mutex_;
  std::string part_;
  std::map<sqlite3_file*, std::string> names_;
  std::atomic<bool> full_{false};
  std::atomic<int> refused_{0};
};

}  // namespace kith::client
