// The barest TLS server on sockets: accept, full handshake, one byte to say that it is through.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include "benchmarks/limit/certificate_openssl.h"
#include "benchmarks/limit/limits.h"
#include "benchmarks/limit/process.h"
#include "benchmarks/load/clock.h"
#include "benchmarks/load/histogram.h"

namespace kith::bench {
namespace {

constexpr int kEvents = 256;
constexpr int kPatienceMs = 1000;

struct Line {
  SSL* ssl = nullptr;
  Micros began = 0;
  bool shaken = false;  // the handshake is done, on this side
};

// The connections of one side, by descriptor.
struct Lines {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Line> all;

  Line& open(int fd, SSL_CTX* ctx) {
    no_delay(fd);
    watch(epoll, fd);
    const auto place = static_cast<std::size_t>(fd);
    all.resize(std::max(all.size(), place + 1));
    all[place] = {SSL_new(ctx), now_us(), false};
    SSL_set_fd(all[place].ssl, fd);
    return all[place];
  }
  Line& at(int fd) { return all[static_cast<std::size_t>(fd)]; }
  void end_all() {
    for (std::size_t fd = 0; fd < all.size(); ++fd) {
      if (all[fd].ssl != nullptr) end(static_cast<int>(fd));
    }
    close(epoll);
  }
  void end(int fd) {
    SSL_free(std::exchange(at(fd).ssl, nullptr));
    close(fd);
  }
};

// Returns true while the other side may still send.
bool is_waiting(SSL* ssl, int result) {
  const int why = SSL_get_error(ssl, result);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
}

// Returns false when the connection is finished.
bool serve_line(Line& line) {
  ERR_clear_error();
  if (!line.shaken) {
    const int done = SSL_accept(line.ssl);
    if (done != 1) return is_waiting(line.ssl, done);
    line.shaken = true;
    SSL_write(line.ssl, "!", 1);
  }
  char byte = 0;
  const int got = SSL_read(line.ssl, &byte, 1);
  return got > 0 || is_waiting(line.ssl, got);
}

// Until it is killed.
[[noreturn]] void serve(int listening, SSL_CTX* ctx, int cpu) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  pin(cpu);
  Lines lines;
  watch(lines.epoll, listening);
  std::array<epoll_event, kEvents> ready;
  for (;;) {
    const int count = epoll_wait(lines.epoll, ready.data(), kEvents, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      if (fd == listening) {
        const int peer = accept4(listening, nullptr, nullptr, SOCK_NONBLOCK);
        if (peer >= 0) SSL_set_accept_state(lines.open(peer, ctx).ssl);
      } else if (lines.at(fd).ssl != nullptr && !serve_line(lines.at(fd))) {
        lines.end(fd);
      }
    }
  }
}

enum class Stage { kWaiting, kThrough, kBroken };

Stage load_line(Line& line) {
  ERR_clear_error();
  if (!line.shaken) {
    const int done = SSL_do_handshake(line.ssl);
    if (done != 1) return is_waiting(line.ssl, done) ? Stage::kWaiting : Stage::kBroken;
    line.shaken = true;
  }
  char byte = 0;
  const int got = SSL_read(line.ssl, &byte, 1);
  if (got == 1) return Stage::kThrough;
  return is_waiting(line.ssl, got) ? Stage::kWaiting : Stage::kBroken;
}

bool connect_one(const sockaddr_in& address, SSL_CTX* ctx, Lines& lines) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  // The loopback device answers at once, so only the handshake is asynchronous.
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return false;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  const linger at_once{1, 0};  // the port is free again when the socket is closed
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  SSL* ssl = lines.open(fd, ctx).ssl;
  SSL_set_connect_state(ssl);
  // Makes the first step only: epoll reports the server's answers.
  const int done = SSL_do_handshake(ssl);
  return done == 1 || is_waiting(ssl, done);
}

// Each finished connection makes room for the next one.
std::uint64_t run_handshakes(const TlsJob& job, const sockaddr_in& address, SSL_CTX* ctx,
                             Histogram& times) {
  Lines lines;
  std::array<epoll_event, kEvents> ready;
  std::uint64_t through = 0;
  const Micros until = now_us() + static_cast<Micros>(job.seconds * 1e6);
  bool good = true;
  for (std::uint32_t i = 0; good && i < job.at_a_time; ++i) good = connect_one(address, ctx, lines);
  while (good && now_us() < until) {
    const int count = epoll_wait(lines.epoll, ready.data(), kEvents, kPatienceMs);
    for (int i = 0; good && i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      const Stage stage = load_line(lines.at(fd));
      if (stage == Stage::kWaiting) continue;
      times.record(now_us() - lines.at(fd).began);
      lines.end(fd);
      ++through;
      good = stage == Stage::kThrough && connect_one(address, ctx, lines);
    }
  }
  lines.end_all();
  return good ? through : 0;
}

double process_cpu_s() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

// The connecting side ignores the certificate, and reads all available bytes in one go.
SSL_CTX* bare_tls_client() {
  SSL_CTX* ctx = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_read_ahead(ctx, 1);
  return ctx;
}

}  // namespace

std::optional<LimitResult> tls_limit(const TlsJob& job) {
  sockaddr_in address{};
  const int listening = listen_somewhere(address);
  SSL_CTX* ctx = listening < 0 ? nullptr : bare_tls_server();
  if (ctx == nullptr) return std::nullopt;
  const pid_t server = fork();
  if (server == 0) serve(listening, ctx, job.server_cpu);
  close(listening);
  SSL_CTX_free(ctx);
  if (server < 0) return std::nullopt;
  const Pinned pinned(job.load_cpu);
  SSL_CTX* client = bare_tls_client();
  Histogram times;
  const double began = process_cpu_s();
  const std::uint64_t count = run_handshakes(job, address, client, times);
  const double load = process_cpu_s() - began;
  SSL_CTX_free(client);
  const double used = end_process(server);
  if (count == 0) return std::nullopt;
  LimitResult result;
  result.per_s = static_cast<double>(count) / job.seconds;
  result.cpu_us_each = 1e6 * used / static_cast<double>(count);
  result.load_cpu_us_each = 1e6 * load / static_cast<double>(count);
  result.p50_ms = static_cast<double>(times.quantile(0.5)) / 1000;
  result.p99_ms = static_cast<double>(times.quantile(0.99)) / 1000;
  return result;
}

}  // namespace kith::bench
