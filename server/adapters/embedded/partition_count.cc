// How many partitions of conversations a data directory has (the file partition_count).
#include "server/adapters/embedded/partition_count.h"

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "kith/core/limits.h"
#include "server/adapters/embedded/durable_file.h"
#include "server/adapters/embedded/log_folder.h"

namespace kith::server {
namespace {

constexpr const char* kFile = "partition_count";
constexpr const char* kFolder = "/partitions";

Result<bool> exists(const std::string& path) {
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error) return make_error(ErrorCode::kIo, path + ": " + error.message());
  return there;
}

// Whether a server has kept anything here: secrets and certificates may be there before the first one.
Result<bool> used(const std::string& dir) {
  for (const char* name : {"store.db", "journal", "journal.db", "users.db", "runs", "engines"}) {
    const auto there = exists(dir + "/" + name);
    if (!there || *there) return there;
  }
  return false;
}

Status make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), S_IRWXU) != 0 && errno != EEXIST) return file_error(path, errno);
  return sync_directory(std::filesystem::path(path).parent_path().string());
}

}  // namespace

Result<std::uint32_t> partitions_of(const std::string& dir) {
  const std::string path = dir + "/" + kFile;
  const auto there = exists(path);
  if (!there) return there.error();
  if (!*there) return 1U;
  std::ifstream file(path);
  std::uint32_t count = 0;
  if (!(file >> count) || count == 0 || count > limits::partitions_max) {
    return make_error(ErrorCode::kCacheCorrupt,
                      path + ": is damaged; write the number of partitions into it that " + dir +
                          " was made with: one more than there are directories in " + dir +
                          kFolder);
  }
  return count;
}

Status keep_partitions(const std::string& dir, std::uint32_t partitions) {
  const auto written = exists(dir + "/" + kFile);
  if (!written) return written.error();
  const auto in_use = used(dir);
  if (!in_use) return in_use.error();
  if (!*written && !*in_use) return write_partitions(dir, partitions);
  const auto kept = partitions_of(dir);
  if (!kept) return kept.error();
  if (*kept == partitions) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    dir + " was made with partitions = " + std::to_string(*kept) +
                        ", and is opened with partitions = " + std::to_string(partitions) +
                        ". The number never changes: open it with " + std::to_string(*kept) +
                        ", or begin with an empty directory");
}

Status write_partitions(const std::string& dir, std::uint32_t partitions) {
  return write_durable_file(dir, kFile, std::to_string(partitions) + "\n");
}

std::string partition_path(const std::string& dir, std::uint32_t partition) {
  return partition == 0 ? dir : dir + kFolder + "/" + std::to_string(partition);
}

Status make_partition_path(const std::string& dir, std::uint32_t partition) {
  if (partition == 0) return {};
  if (Status made = make_folder(dir + kFolder); !made) return made;
  return make_folder(partition_path(dir, partition));
}

}  // namespace kith::server
