// Permissions of files and of this process's memory on POSIX.
#include "src/secrets_posix.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>

namespace kith {
namespace {

// True if a directory on the path lets only its owner enter.
bool behind_closed_doors(std::string path) {
  while (path.size() > 1) {
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return false;
    path.resize(slash == 0 ? 1 : slash);
    struct stat directory {};
    if (::stat(path.c_str(), &directory) != 0) return false;
    if ((directory.st_mode & (S_IXGRP | S_IXOTH)) == 0) return true;
  }
  return false;
}

}  // namespace

Status check_secret_file(const std::string& path, SecretFile readers) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  struct stat file {};
  if (real == nullptr || ::stat(real.get(), &file) != 0) {
    return make_error(ErrorCode::kIo, path + ": cannot be read");
  }
  const bool of_root = file.st_uid == 0 && ::geteuid() != 0;
  const bool group_too = readers == SecretFile::kGroup || of_root;
  const mode_t open = file.st_mode & (group_too ? S_IROTH : S_IRGRP | S_IROTH);
  if (open == 0 || !S_ISREG(file.st_mode) || behind_closed_doors(real.get())) return {};
  const std::string who = (open & S_IROTH) != 0 ? "everybody" : "its group";
  const std::string command = group_too ? "chmod o= " : "chmod 600 ";
  return make_error(ErrorCode::kInvalidArgument,
                    path + ": " + who + " can read this secret; " + command + path);
}

bool forbid_core_dumps() {
  const rlimit none{0, 0};
  const bool limited = ::setrlimit(RLIMIT_CORE, &none) == 0;
  // A handler that cores are piped to does not ask the limit.
  return ::prctl(PR_SET_DUMPABLE, 0) == 0 && limited;
}

}  // namespace kith
