// ServerProcess: fork, exec, wait.
#include "benchmarks/load/server_process.h"

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace kith::bench {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(2);
constexpr Micros kGoodbye = 5 * kSecond;

bool somebody_listens(const client::ServerUrl& url) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found) != 0) {
    return false;
  }
  const int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const bool there = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  if (fd >= 0) ::close(fd);
  freeaddrinfo(found);
  return there;
}

}  // namespace

ServerProcess::~ServerProcess() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGTERM);
  const Micros until = now_us() + kGoodbye;
  while (now_us() < until) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) return;
    std::this_thread::sleep_for(kPoll);
  }
  kill_now();
}

Status ServerProcess::start(const client::ServerUrl& url, Micros patience) {
  const std::string line = "exec " + command_;  // the kill must hit the server, not a shell
  pid_ = fork();
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(127);
  }
  if (pid_ < 0) return make_error(ErrorCode::kUnavailable, "no new process can be started");
  const Micros until = now_us() + patience;
  while (!somebody_listens(url)) {
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) {
      pid_ = -1;
      return make_error(ErrorCode::kUnavailable, "--server-cmd ended instead of serving");
    }
    if (now_us() > until) {
      return make_error(ErrorCode::kTimeout,
                        "--server-cmd runs, but nobody listens at " + url.authority());
    }
    std::this_thread::sleep_for(kPoll);
  }
  return {};
}

void ServerProcess::kill_now() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace kith::bench
