// DirectoryLock keeps a data directory for one process.
#include "server/adapters/embedded/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

namespace kith::server {

namespace {

constexpr mode_t kOwnerOnly = 0600;

}  // namespace

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::take(const std::string& dir) {
  std::error_code failed;
  if (std::filesystem::create_directories(dir, failed)) {
    std::filesystem::permissions(dir, std::filesystem::perms::owner_all, failed);
  }
  if (failed) return make_error(ErrorCode::kIo, dir + ": " + failed.message());
  const std::string path = dir + "/lock";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kOwnerOnly);
  if (fd < 0)
    return make_error(ErrorCode::kIo, path + ": " + std::generic_category().message(errno));
  std::unique_ptr<DirectoryLock> lock(new DirectoryLock(fd));
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) {
    return make_error(ErrorCode::kAlreadyOpen, dir + " is in use by another process");
  }
  return make_error(ErrorCode::kIo, path + ": " + std::generic_category().message(errno));
}

DirectoryLock::~DirectoryLock() {
  ::close(fd_);
}

}  // namespace kith::server
