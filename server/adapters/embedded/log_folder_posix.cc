// The directory of the journal on a file system.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "server/adapters/embedded/log_folder.h"

namespace kith::server {

namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOwnerOnlyFolder = 0700;

Error error_of(int number, const std::string& path) {
  const bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return make_error(full ? ErrorCode::kDiskFull : ErrorCode::kIo,
                    path + ": " + std::generic_category().message(number));
}

class FilePosix : public LogFile {
 public:
  FilePosix(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  ~FilePosix() override { ::close(fd_); }

  Status write(std::string_view bytes, std::uint64_t offset) override {
    while (!bytes.empty()) {
      const ssize_t put = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return error_of(put < 0 ? errno : ENOSPC, path_);
      bytes.remove_prefix(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return {};
  }

  Result<std::string> read(std::uint64_t offset, std::size_t size) override {
    std::string bytes(size, '\0');
    std::size_t have = 0;
    while (have < size) {
      const ssize_t got =
          ::pread(fd_, bytes.data() + have, size - have, static_cast<off_t>(offset + have));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return error_of(errno, path_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    bytes.resize(have);
    return bytes;
  }

  Result<std::uint64_t> size() override {
    struct stat found {};
    if (::fstat(fd_, &found) != 0) return error_of(errno, path_);
    return static_cast<std::uint64_t>(found.st_size);
  }

  Status cut(std::uint64_t size) override {
    if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) return error_of(errno, path_);
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_) != 0) return error_of(errno, path_);
    return {};
  }

 private:
  const int fd_;
  const std::string path_;
};

class FolderPosix : public LogFolder {
 public:
  explicit FolderPosix(std::string path) : path_(std::move(path)) {}

  Result<std::vector<std::string>> names() override {
    std::vector<std::string> found;
    std::error_code failed;
    std::filesystem::directory_iterator entry(path_, failed);
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
      found.push_back(entry->path().filename().string());
    }
    if (failed) return error_of(failed.value(), path_);
    return found;
  }

  Result<std::unique_ptr<LogFile>> open(const std::string& name) override {
    return opened(name, O_RDWR | O_CLOEXEC);
  }
  Result<std::unique_ptr<LogFile>> create(const std::string& name) override {
    return opened(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC);
  }
  Status rename(const std::string& from, const std::string& to) override {
    if (std::rename(path_of(from).c_str(), path_of(to).c_str()) == 0) return {};
    return error_of(errno, path_of(to));
  }
  Status remove(const std::string& name) override {
    if (::unlink(path_of(name).c_str()) == 0 || errno == ENOENT) return {};
    return error_of(errno, path_of(name));
  }
  Status sync() override { return sync_directory(path_); }
  [[nodiscard]] std::string path_of(const std::string& name) const override {
    return path_ + "/" + name;
  }

 private:
  Result<std::unique_ptr<LogFile>> opened(const std::string& name, int flags) {
    const std::string path = path_of(name);
    const int fd = ::open(path.c_str(), flags, kOwnerOnly);
    if (fd < 0) return error_of(errno, path);
    return std::unique_ptr<LogFile>(std::make_unique<FilePosix>(fd, path));
  }

  const std::string path_;
};

}  // namespace

Status sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return error_of(errno, path);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) return error_of(failed, path);
  return {};
}

Result<std::unique_ptr<LogFolder>> open_log_folder(const std::string& path) {
  if (::mkdir(path.c_str(), kOwnerOnlyFolder) != 0 && errno != EEXIST) return error_of(errno, path);
  // Also one that somebody restored with other rights; refused if it is another user's.
  (void)::chmod(path.c_str(), kOwnerOnlyFolder);
  const std::string above = std::filesystem::path(path).parent_path().string();
  if (auto kept = sync_directory(above.empty() ? "." : above); !kept) return kept.error();
  return std::unique_ptr<LogFolder>(std::make_unique<FolderPosix>(path));
}

}  // namespace kith::server
