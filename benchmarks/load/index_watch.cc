// IndexWatch: the index's file, found among those that the server has open, and the server's metrics.
#include "benchmarks/load/index_watch.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>

namespace kith::bench {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFileName = "search.db";
constexpr std::size_t kAnswerMax = 1024 * 1024;

std::string index_file_of(int pid) {
  std::error_code error;
  const fs::path open_files = "/proc/" + std::to_string(pid) + "/fd";
  for (fs::directory_iterator at(open_files, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code unreadable;
    const fs::path file = fs::read_symlink(at->path(), unreadable);
    if (!unreadable && file.filename() == kFileName) return file;
  }
  return {};
}

ino_t inode_of(const std::string& file) {
  struct stat found {};
  return stat(file.c_str(), &found) == 0 ? found.st_ino : 0;
}

Error no_metrics(const std::string& place, const char* why) {
  return make_error(ErrorCode::kUnavailable, "--metrics " + place + ": " + why);
}

Result<int> connected(const std::string& place) {
  const auto colon = place.rfind(':');
  if (colon == std::string::npos) return no_metrics(place, "is no HOST:PORT");
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = place.substr(0, colon);
  if (getaddrinfo(host.c_str(), place.c_str() + colon + 1, &hints, &found) != 0) {
    return no_metrics(place, "has no address");
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool there = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (there) return fd;
  if (fd >= 0) ::close(fd);
  return no_metrics(place, "nobody listens");
}

Result<std::string> read_metrics(const std::string& place) {
  auto fd = connected(place);
  if (!fd) return fd.error();
  const std::string request =
      "GET /metrics HTTP/1.1\r\nHost: " + place + "\r\nConnection: close\r\n\r\n";
  std::string answer;
  bool good = ::write(*fd, request.data(), request.size()) == static_cast<ssize_t>(request.size());
  std::array<char, 16'384> part{};
  while (good && answer.size() < kAnswerMax) {
    const ssize_t size = ::read(*fd, part.data(), part.size());
    if (size <= 0) break;
    answer.append(part.data(), static_cast<std::size_t>(size));
  }
  ::close(*fd);
  if (answer.compare(0, 12, "HTTP/1.1 200") == 0) return answer;
  return no_metrics(place, "does not answer with metrics");
}

Result<double> failed(const std::string& metrics) {
  auto text = read_metrics(metrics);
  if (!text) return text.error();
  const auto failures = metric_of(*text, "kith_search_index_failures_total");
  const auto rebuilds = metric_of(*text, "kith_search_rebuilds_total");
  if (!failures || !rebuilds) return no_metrics(metrics, "tells nothing of a search index");
  return *failures + *rebuilds;
}

}  // namespace

std::optional<double> metric_of(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(name) || line.substr(name.size(), 1) != " ") continue;
    double value = 0;
    const char* begin = line.data() + name.size() + 1;
    const auto read = std::from_chars(begin, line.data() + line.size(), value);
    if (read.ec == std::errc()) return value;
  }
  return std::nullopt;
}

Result<IndexWatch> IndexWatch::begin(int pid, const std::string& metrics) {
  IndexWatch watch;
  if (pid != 0) watch.file_ = index_file_of(pid);
  watch.inode_ = inode_of(watch.file_);
  watch.metrics_ = metrics;
  if (metrics.empty()) return watch;
  auto before = failed(metrics);
  if (!before) return before.error();
  watch.failed_before_ = *before;
  return watch;
}

Result<double> IndexWatch::faults() const {
  double all = 0;
  if (!file_.empty()) {
    const bool another = inode_of(file_) != inode_;  // removed, and perhaps made again
    all += another || fs::exists(file_ + ".damaged") ? 1 : 0;
  }
  if (metrics_.empty()) return all;
  auto now = failed(metrics_);
  if (!now) return now.error();
  return all + std::max(0.0, *now - failed_before_);  // less: another process
}

}  // namespace kith::bench
