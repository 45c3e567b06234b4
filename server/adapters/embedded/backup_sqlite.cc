// A copy of a data directory that is in use.
#include "server/adapters/embedded/backup_sqlite.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "server/adapters/embedded/durable_file.h"
#include "server/adapters/embedded/log_folder.h"

namespace kith::server {
namespace {

namespace fs = std::filesystem;

constexpr int kPagesAtOnce = 1'024;  // 4 MiB
constexpr int kBusyTimeoutMs = 5'000;

struct Close {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};
using Handle = std::unique_ptr<sqlite3, Close>;

Error copy_error(const std::string& path, int status) {
  const int code = status & 0xff;
  const ErrorCode kind = code == SQLITE_FULL      ? ErrorCode::kDiskFull
                         : code == SQLITE_CORRUPT ? ErrorCode::kCacheCorrupt
                                                  : ErrorCode::kIo;
  return make_error(kind, path + ": SQLite: " + sqlite3_errstr(status));
}

Result<Handle> open_handle(const std::string& path, int flags) {
  sqlite3* raw = nullptr;
  const int status = sqlite3_open_v2(path.c_str(), &raw, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  Handle handle(raw);
  if (status != SQLITE_OK) return copy_error(path, status);
  sqlite3_busy_timeout(raw, kBusyTimeoutMs);
  return handle;
}

// With a transaction open for reading the source stands still for this connection, so no step begins anew.
Status copy_steps(sqlite3* from, sqlite3* to, const std::string& path,
                  const std::atomic<bool>& cancelled) {
  int status = sqlite3_exec(from, "SAVEPOINT copy", nullptr, nullptr, nullptr);
  if (status == SQLITE_OK) {
    status = sqlite3_exec(from, "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr);
  }
  if (status != SQLITE_OK) return copy_error(path, status);
  sqlite3_backup* backup = sqlite3_backup_init(to, "main", from, "main");
  if (backup == nullptr) return copy_error(path, sqlite3_errcode(to));
  do {
    status = sqlite3_backup_step(backup, kPagesAtOnce);
  } while (status == SQLITE_OK && !cancelled);
  const int finished = sqlite3_backup_finish(backup);
  if (status != SQLITE_DONE && cancelled)
    return make_error(ErrorCode::kCancelled, "the server stops");
  if (status != SQLITE_DONE || finished != SQLITE_OK) return copy_error(path, status);
  return {};
}

}  // namespace

Status copy_database(const std::string& from, const std::string& to,
                     const std::atomic<bool>& cancelled) {
  const int fd = ::open(to.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return file_error(to, errno);
  ::close(fd);
  auto source = open_handle(from, SQLITE_OPEN_READWRITE);
  if (!source) return source.error();
  auto target = open_handle(to, SQLITE_OPEN_READWRITE);
  if (!target) return target.error();
  if (Status copied = copy_steps(source->get(), target->get(), to, cancelled); !copied)
    return copied;
  target->reset();
  const int written = ::open(to.c_str(), O_RDWR | O_CLOEXEC);
  const bool synced = written >= 0 && ::fsync(written) == 0;
  const int error = errno;
  if (written >= 0) ::close(written);
  return synced ? Status() : Status(file_error(to, error));
}

Result<BackupDirectory> BackupDirectory::make(const std::string& to) {
  std::error_code failed;
  const bool there = fs::exists(to, failed);
  if (there && !(fs::is_directory(to, failed) && fs::is_empty(to, failed))) {
    return make_error(ErrorCode::kAlreadyExists, to + ": is there already");
  }
  std::string plain = to;
  while (plain.size() > 1 && plain.back() == '/') plain.pop_back();
  const std::string partial = plain + ".partial";
  fs::remove_all(partial, failed);  // of a backup that was interrupted
  if (::mkdir(partial.c_str(), S_IRWXU) != 0) return file_error(partial, errno);
  return BackupDirectory(plain, partial);
}

BackupDirectory::BackupDirectory(BackupDirectory&& other) noexcept
    : to_(std::move(other.to_)), partial_(std::exchange(other.partial_, {})) {}

BackupDirectory::~BackupDirectory() {
  std::error_code ignored;
  if (!partial_.empty()) fs::remove_all(partial_, ignored);
}

Status BackupDirectory::finish() {
  if (Status synced = sync_directory(partial_); !synced) return synced;
  if (::rename(partial_.c_str(), to_.c_str()) != 0) return file_error(to_, errno);
  partial_.clear();
  const std::string parent = fs::path(to_).parent_path().string();
  return sync_directory(parent.empty() ? "." : parent);
}

}  // namespace kith::server
