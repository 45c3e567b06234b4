// Prepares the process that kithd was started in.
#include "server/daemon/surroundings.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace kith::server::daemon {
namespace {

constexpr rlim_t kDescriptors = 65'536;
constexpr rlim_t kReserve = 256;  // of the databases, the journal, listeners

// The words of the command line, as they were given.
std::vector<std::string> command_line() {
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace

void settle_surroundings() {
  int fd = -1;
  do {
    fd = ::open("/dev/null", O_RDWR);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) ::close(fd);
  ::umask(S_IRWXG | S_IRWXO);
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_NAME, "kithd");
}

void raise_descriptor_limit(std::uint32_t connections) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = connections == 0 ? kDescriptors : connections + kReserve;
  const rlim_t possible = std::min(wanted, limit.rlim_max);
  if (limit.rlim_cur >= possible) return;
  limit.rlim_cur = possible;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void use_large_pages() {
  constexpr const char* kName = "GLIBC_TUNABLES";
  // In a secure execution glibc drops the variable, and this would begin anew for ever. The second
  // variable is a proof of its own that this run is the second.
  constexpr const char* kSecondRun = "KITHD_LARGE_PAGES";
  if (getauxval(AT_SECURE) != 0 || getenv(kName) != nullptr || getenv(kSecondRun) != nullptr)
    return;
  std::vector<std::string> words = command_line();
  if (words.empty()) return;
  // Heaps of their own for threads are never asked for in large pages.
  if (setenv(kName, "glibc.malloc.hugetlb=1:glibc.malloc.arena_max=1", 1) != 0) return;
  if (setenv(kSecondRun, "1", 1) != 0) return;
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  execv("/proc/self/exe", argv.data());
}

}  // namespace kith::server::daemon
