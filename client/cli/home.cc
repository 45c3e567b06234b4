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
constexpr std::size_t kLinesMax = 10'000;

constexpr ::mode_t kDirectoryMode = 0700;
constexpr ::mode_t kFileMode = 0600;
constexpr ::mode_t kOthers = 0077;

Error io(const std::string& what, const std::string& path) {
  const bool full = errno == ENOSPC || errno == EDQUOT;
  return make_error(full ? ErrorCode::kDiskFull : ErrorCode::kIo,
                    what + " " + path + ": " + std::strerror(errno) + ".");
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

bool is_ours(const std::string& name) {
  return name == "account" || name == "account.new" || name == "people" || name == "groups" ||
         name.starts_with("cache-");
}

// One entry of the home directory, and what a cache holds.
void close_to_others(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::is_symlink(path, error)) return;
  const bool directory = std::filesystem::is_directory(path, error);
  ::chmod(path.c_str(), directory ? kDirectoryMode : kFileMode);
  if (!directory) return;
  for (auto entry = std::filesystem::directory_iterator(path, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    if (entry->is_regular_file(error)) ::chmod(entry->path().c_str(), kFileMode);
  }
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
    if (key == "token-file") account.token_file = value;
  }
  const bool signed_in = !account.token.empty() || !account.token_file.empty();
  if (account.url.empty() || account.handle.empty() || !signed_in) {
    return make_error(ErrorCode::kUnauthenticated,
                      "The file " + path + " is not complete; sign in again with kith login.");
  }
  return account;
}

Result<std::string> Home::prepare() const {
  std::error_code error;
  const bool fresh = std::filesystem::create_directories(directory_, error);
  if (error) {
    errno = error.value();
    return io("Cannot create the directory", directory_);
  }
  bool foreign = false;
  for (auto entry = std::filesystem::directory_iterator(directory_, error);
       !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename();
    if (is_ours(name)) {
      close_to_others(entry->path());
    } else {
      foreign = true;
    }
  }
  struct stat info {};
  if (::stat(directory_.c_str(), &info) != 0) return io("Cannot read", directory_);
  if ((info.st_mode & kOthers) == 0) return std::string();
  if ((fresh || !foreign) && ::chmod(directory_.c_str(), kDirectoryMode) == 0) return std::string();
  return "Others on this machine may look into " + directory_ +
         "; kith's files there are closed to them, chmod 700 closes the directory.";
}

Status Home::save(const Account& account) const {
  if (auto there = prepare(); !there) return there.error();
  const std::string path = directory_ + "/account";
  const std::string draft = path + ".new";
  const int fd = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (fd < 0) return io("Cannot write", draft);
  const std::string text = "url " + account.url + "\nhandle " + account.handle + "\nca " +
                           account.ca + "\ntoken " + to_hex(account.token) + "\ntoken-file " +
                           account.token_file + "\n";
  const bool written = ::fchmod(fd, kFileMode) == 0 && write_all(fd, text) && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  errno = reason;
  if (!written) {
    ::unlink(draft.c_str());
    errno = reason;
    return io("Cannot write", draft);
  }
  if (::rename(draft.c_str(), path.c_str()) != 0) return io("Cannot replace", path);
  return {};
}

std::vector<std::string> Home::lines(const std::string& file) const {
  std::vector<std::string> out;
  std::ifstream in(directory_ + "/" + file);
  std::string line;
  while (out.size() < kLinesMax && std::getline(in, line)) {
    if (!line.empty()) out.push_back(line);
  }
  return out;
}

void Home::add_line(const std::string& file, const std::string& line) const {
  if (line.empty() || line.find('\n') != std::string::npos) return;
  const auto known = lines(file);
  if (known.size() >= kLinesMax) return;
  if (std::find(known.begin(), known.end(), line) != known.end()) return;
  const int fd = ::open((directory_ + "/" + file).c_str(),
                        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode);
  if (fd < 0) return;
  (void)write_all(fd, line + "\n");
  ::close(fd);
}

std::vector<std::string> Home::people() const {
  return lines("people");
}

void Home::remember(const std::string& handle) const {
  add_line("people", handle);
}

std::vector<ConversationId> Home::groups(const std::string& title) const {
  std::vector<ConversationId> out;
  for (const std::string& line : lines("groups")) {
    const auto space = line.find(' ');
    if (space == std::string::npos || line.substr(space + 1) != title) continue;
    if (const auto id = ConversationId::parse(line.substr(0, space)))
      out.push_back(ConversationId(*id));
  }
  return out;
}

void Home::remember_group(const std::string& title, const ConversationId& group) const {
  add_line("groups", group.to_string() + " " + title);
}

}  // namespace kith::cli
