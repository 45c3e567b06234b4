// The barest server: epoll, one read and one write per wake-up.
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "benchmarks/limit/limits.h"
#include "benchmarks/limit/process.h"
#include "benchmarks/load/clock.h"
#include "benchmarks/load/histogram.h"

namespace kith::bench {
namespace {

constexpr int kEvents = 256;
constexpr std::size_t kBuffer = 64 * 1024;
constexpr int kPatienceMs = 1000;

// Until it is killed.
[[noreturn]] void serve(int listening, int cpu) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  pin(cpu);
  const int epoll = epoll_create1(0);
  watch(epoll, listening);
  std::array<epoll_event, kEvents> ready;
  std::vector<char> buffer(kBuffer);
  for (;;) {
    const int count = epoll_wait(epoll, ready.data(), kEvents, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      if (fd == listening) {
        const int peer = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
        if (peer < 0) continue;
        no_delay(peer);
        watch(epoll, peer);
        continue;
      }
      const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
      if (size == 0) close(fd);
      if (size > 0) (void)send(fd, buffer.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL);
    }
  }
}

struct Line {
  std::size_t got = 0;  // bytes of the round that are back
  Micros began = 0;
};

struct Load {
  int epoll = -1;
  std::vector<int> sockets;
  std::vector<Line> lines;  // by descriptor
  std::vector<char> message;
};

bool connect_all(const EchoJob& job, const sockaddr_in& address, Load& load) {
  load.epoll = epoll_create1(EPOLL_CLOEXEC);
  load.message.assign(std::size_t{job.bytes} * job.outstanding, 'x');
  for (std::uint32_t i = 0; i < job.connections; ++i) {
    const int fd = connect_watched(address, load.epoll);
    if (fd < 0) return false;
    load.sockets.push_back(fd);
    load.lines.resize(std::max<std::size_t>(load.lines.size(), static_cast<std::size_t>(fd) + 1));
  }
  return true;
}

// One round of a connection: all of its messages out, all back.
void begin_round(Load& load, int fd, Micros now) {
  load.lines[static_cast<std::size_t>(fd)] = {0, now};
  (void)send(fd, load.message.data(), load.message.size(), MSG_NOSIGNAL);
}

std::uint64_t run_rounds(const EchoJob& job, Load& load, Histogram& times) {
  std::vector<char> buffer(kBuffer);
  std::array<epoll_event, kEvents> ready;
  std::uint64_t rounds = 0;
  Micros now = now_us();
  const Micros until = now + static_cast<Micros>(job.seconds * 1e6);
  for (const int fd : load.sockets) begin_round(load, fd, now);
  while (now < until) {
    const int count = epoll_wait(load.epoll, ready.data(), kEvents, kPatienceMs);
    now = now_us();
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size <= 0) continue;
      Line& line = load.lines[static_cast<std::size_t>(fd)];
      line.got += static_cast<std::size_t>(size);
      if (line.got < load.message.size()) continue;
      times.record(now - line.began);
      ++rounds;
      begin_round(load, fd, now);
    }
  }
  return rounds;
}

}  // namespace

std::optional<LimitResult> echo_limit(const EchoJob& job) {
  sockaddr_in address{};
  const int listening = listen_somewhere(address);
  if (listening < 0) return std::nullopt;
  const pid_t server = fork();
  if (server == 0) serve(listening, job.server_cpu);
  close(listening);
  if (server < 0) return std::nullopt;
  const Pinned pinned(job.load_cpu);
  Load load;
  Histogram times;
  const bool connected = connect_all(job, address, load);
  const std::uint64_t rounds = connected ? run_rounds(job, load, times) : 0;
  for (const int fd : load.sockets) close(fd);
  if (load.epoll >= 0) close(load.epoll);
  const double used = end_process(server);
  if (rounds == 0) return std::nullopt;
  const auto messages = static_cast<double>(rounds) * job.outstanding;
  LimitResult result;
  result.per_s = messages / job.seconds;
  result.cpu_us_each = 1e6 * used / messages;
  result.p50_ms = static_cast<double>(times.quantile(0.5)) / 1000;
  result.p99_ms = static_cast<double>(times.quantile(0.99)) / 1000;
  return result;
}

}  // namespace kith::bench
