// gentle_vfs(): the default VFS with another xSync.
#include "server/adapters/embedded/gentle_vfs_sqlite.h"

#ifndef __linux__

namespace kith::server {
const char* gentle_vfs() {
  return nullptr;
}
}  // namespace kith::server

#else

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <mutex>

namespace kith::server {
namespace {

constexpr const char* kName = "kith-gentle";
// Written back in a millisecond or less by the disks that this is for.
constexpr off64_t kPieceBytes = 512 * 1024;

// The default VFS's file lies at the front, where its methods expect it; this part lies behind.
struct Extra {
  const sqlite3_io_methods* methods = nullptr;  // of the default VFS
  int fd = -1;                                  // of our own
};

sqlite3_vfs* plain() {
  static sqlite3_vfs* const vfs = sqlite3_vfs_find(nullptr);
  return vfs;
}

std::size_t extra_at() {
  constexpr std::size_t kAlign = alignof(Extra);
  return (static_cast<std::size_t>(plain()->szOsFile) + kAlign - 1) / kAlign * kAlign;
}

Extra& extra(sqlite3_file* file) {
  return *reinterpret_cast<Extra*>(reinterpret_cast<char*>(file) + extra_at());
}

// Starts and awaits the writing of one piece after the other. False: something could not be written, which
// the system may tell only once.
bool write_back(int fd) {
  struct stat64 state {};
  if (fd < 0 || fstat64(fd, &state) != 0 || state.st_size <= kPieceBytes) return true;
  for (off64_t at = 0; at < state.st_size; at += kPieceBytes) {
    const int failed = sync_file_range(
        fd, at, kPieceBytes,
        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    if (failed != 0 && (errno == EIO || errno == ENOSPC || errno == EDQUOT)) return false;
  }
  return true;
}

int sync_gently(sqlite3_file* file, int flags) {
  const bool written = write_back(extra(file).fd);
  const int synced = extra(file).methods->xSync(file, flags);
  return written ? synced : SQLITE_IOERR_FSYNC;
}

// Ours last: it gives up the locks.
int close_both(sqlite3_file* file) {
  const Extra before = extra(file);
  const int status = before.methods->xClose(file);
  if (before.fd >= 0) ::close(before.fd);
  return status;
}

// The default VFS has a table of methods for each kind of lock; few are met. Nothing if there are more.
const sqlite3_io_methods* gentle_methods(const sqlite3_io_methods* methods) {
  struct Known {
    const sqlite3_io_methods* plain = nullptr;
    sqlite3_io_methods gentle{};
  };
  static std::mutex mutex;
  static std::array<Known, 4> all;
  const std::lock_guard lock(mutex);
  for (Known& known : all) {
    if (known.plain == methods) return &known.gentle;
    if (known.plain != nullptr) continue;
    known.plain = methods;
    known.gentle = *methods;
    known.gentle.xSync = sync_gently;
    known.gentle.xClose = close_both;
    return &known.gentle;
  }
  return nullptr;
}

int open_gently(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* flags_out) {
  extra(file) = {};
  const int status = plain()->xOpen(plain(), name, file, flags, flags_out);
  constexpr int kLarge = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL;
  if (status != SQLITE_OK || (flags & kLarge) == 0 || name == nullptr) return status;
  const sqlite3_io_methods* gentle = gentle_methods(file->pMethods);
  if (gentle == nullptr) return status;
  extra(file).methods = file->pMethods;
  extra(file).fd = ::open(name, O_RDONLY | O_CLOEXEC);
  file->pMethods = gentle;
  return status;
}

sqlite3_vfs make_gentle() {
  sqlite3_vfs gentle = *plain();
  gentle.zName = kName;
  gentle.pNext = nullptr;
  gentle.szOsFile = static_cast<int>(extra_at() + sizeof(Extra));
  gentle.xOpen = open_gently;
  return gentle;
}

}  // namespace

const char* gentle_vfs() {
  static sqlite3_vfs gentle = make_gentle();
  static const int registered = sqlite3_vfs_register(&gentle, 0);
  return registered == SQLITE_OK ? kName : nullptr;
}

}  // namespace kith::server

#endif
