// The secrets that sign tickets and tokens of own accounts, kept in the data directory unless the host does.
#include "server/kept_secrets.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

#include "kith/core/random.h"
#include "src/hash.h"
#include "src/secrets_posix.h"

namespace kith::server {
namespace {

namespace fs = std::filesystem;

std::string new_secret() {
  std::string secret(kSecretBytesMin, '\0');
  system_random().fill(secret.data(), secret.size());
  return secret;
}

// Empty if there is no such file.
Result<std::string> read_secret(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error) && !error) return std::string();
  if (const Status own = check_secret_file(path.string(), SecretFile::kOwner); !own) {
    return own.error();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) return make_error(ErrorCode::kIo, path.string() + ": cannot be read");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  auto secret = base64url_decode(text);
  if (secret && secret->size() >= kSecretBytesMin) return *secret;
  return make_error(ErrorCode::kIo,
                    path.string() + ": is not a secret; remove it to get a new one");
}

// The secret of an earlier run, or a new one that only the owner can read.
Result<std::string> kept_secret(const std::string& dir) {
  const fs::path path = fs::path(dir) / "secret";
  if (auto known = read_secret(path); !known || !known->empty()) return known;
  const std::string secret = new_secret();
  const std::string text = base64url_encode(secret);
  const std::string fresh = path.string() + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  bool ok = fd >= 0;
  if (ok) {
    ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
         ::fsync(fd) == 0;
    ok = ::close(fd) == 0 && ok;
  }
  if (!ok || ::rename(fresh.c_str(), path.c_str()) != 0) {
    return make_error(ErrorCode::kIo, path.string() + ": cannot be written");
  }
  return secret;
}

}  // namespace

Status settle_secrets(ServerOptions& options) {
  if (!options.secret.empty()) return {};
  if (options.data_dir.empty()) {
    options.secret = new_secret();
    return {};
  }
  auto secret = kept_secret(options.data_dir);
  if (!secret) return secret.error();
  options.secret = std::move(*secret);
  if (!options.previous_secret.empty()) return {};
  auto previous = read_secret(fs::path(options.data_dir) / "secret.previous");
  if (!previous) return previous.error();
  options.previous_secret = std::move(*previous);
  return {};
}

}  // namespace kith::server
