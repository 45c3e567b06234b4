// Reads and writes the files of the home directory.
#include "client/cli/home.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "kith/core/ids.h"

namespace kith::cli {
namespace {

// A list of names, not an address book: older ones are found again by talking to them.
constexpr std::size_t kPeopleMax = 10'000;

Error io(const std::string& what, const std::string& path) {
  return make_error(ErrorCode::kIo, what + " " + path + ": " + std::strerror(errno) + ".");
}

// The token as hex digits: whatever bytes a server puts into one, the file keeps its lines.
std::string to_hex(const std::string& bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    out.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return out;
}

std::string from_hex(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    std::uint8_t byte = 0;
    if (!detail::unhex(std::string_view(text).substr(i, 2), &byte, 1)) return {};
    out.push_back(static_cast<char>(byte));
  }
  return out;
}

bool write_all(int fd, const std::string& text) {
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(fd, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    done += static_cast<std::size_t>(n);
  }
  return true;
}

}  // namespace

std::string Home::cache_dir(const Account& account) const {
  // One directory per account, so that another sign-in in this home never meets foreign messages.
  return directory_ + "/cache-" + UserId::of(account.url + "\n" + account.handle).to_string();
}

Result<Account> Home::load() const {
  const std::string path = directory_ + "/account";
  std::ifstream in(path);
  if (!in) {
    if (errno != ENOENT && errno != ENOTDIR) return io("Cannot read", path);
    return make_error(ErrorCode::kUnauthenticated, "Nobody is signed in with the home directory " +
                                                       directory_ +
                                                       "; start with kith register or kith login.");
  }
  Account account;
  std::string line;
  while (std::getline(in, line)) {
    const auto space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string key = line.substr(0, space);
    const std::string value = line.substr(space + 1);
    if (key == "url") account.url = value;
    if (key == "handle") account.handle = value;
    if (key == "ca") account.ca = value;
    if (key == "token") account.token = from_hex(value);
  }
  if (account.url.empty() || account.handle.empty() || account.token.empty()) {
    return make_error(ErrorCode::kUnauthenticated,
                      "The file " + path + " is not complete; sign in again with kith login.");
  }
  return account;
}

Status Home::save(const Account& account) const {
  std::error_code error;
  const bool fresh = std::filesystem::create_directories(directory_, error);
  if (error) {
    errno = error.value();
    return io("Cannot create the directory", directory_);
  }
  if (fresh) ::chmod(directory_.c_str(), 0700);
  const std::string path = directory_ + "/account";
  const std::string draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return io("Cannot write", draft);
  const std::string text = "url " + account.url + "\nhandle " + account.handle + "\nca " +
                           account.ca + "\ntoken " + to_hex(account.token) + "\n";
  const bool written = ::fchmod(fd, 0600) == 0 && write_all(fd, text) && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (!written) return io("Cannot write", draft);
  if (::rename(draft.c_str(), path.c_str()) != 0) return io("Cannot replace", path);
  return {};
}

std::vector<std::string> Home::people() const {
  std::vector<std::string> out;
  std::ifstream in(directory_ + "/people");
  std::string line;
  while (out.size() < kPeopleMax && std::getline(in, line)) {
    if (!line.empty()) out.push_back(line);
  }
  return out;
}

void Home::remember(const std::string& handle) const {
  if (handle.empty() || handle.find('\n') != std::string::npos) return;
  const auto known = people();
  if (known.size() >= kPeopleMax) return;
  if (std::find(known.begin(), known.end(), handle) != known.end()) return;
  std::ofstream(directory_ + "/people", std::ios::app) << handle << '\n';
}

}  // namespace kith::cli
