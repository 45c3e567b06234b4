// Small files that are there whole or as they were before, also after a power loss.
#include "server/adapters/embedded/durable_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "server/adapters/embedded/log_folder.h"

namespace kith::server {

Error file_error(const std::string& path, int error) {
  const bool full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  return make_error(full ? ErrorCode::kDiskFull : ErrorCode::kIo,
                    path + ": " + std::generic_category().message(error));
}

Status write_durable_file(const std::string& dir, const std::string& name,
                          std::string_view content) {
  const std::string path = dir + "/" + name;
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return file_error(fresh, errno);
  int error = 0;
  while (!content.empty() && error == 0) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written > 0) content.remove_prefix(static_cast<std::size_t>(written));
    if (written <= 0 && errno != EINTR) error = written == 0 ? ENOSPC : errno;
  }
  if (error == 0 && ::fsync(fd) != 0) error = errno;
  if (::close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(fresh.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return sync_directory(dir);
  ::unlink(fresh.c_str());
  return file_error(fresh, error);
}

}  // namespace kith::server
