// The barest messenger: the work that kith-bench pairs requires of a server, without WebSocket,
// rules or store. A message is read, appended to a log and synced; then the sender has its answer
// and the receiver the message; the receiver acknowledges, and the sender gets the receipt. Five
// passes through the sockets.
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "benchmarks/limit/limits.h"
#include "benchmarks/limit/process.h"
#include "benchmarks/load/clock.h"
#include "benchmarks/load/histogram.h"

namespace kith::bench {
namespace {

constexpr int kEvents = 1024;  // as libuv asks for
constexpr std::size_t kBuffer = 64 * 1024;
constexpr int kPatienceMs = 1000;
// Bytes on the wire; each side only counts them.
constexpr std::size_t kMessage = 150;
constexpr std::size_t kAck = 40;
constexpr std::size_t kTold = 40;  // an answer, or a DELIVERED

// Appends the gathered records, syncs them, and returns their number.
class Log {
 public:
  Log(const std::string& file, int wake)
      : fd_(open(file.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600)), wake_(wake) {
    unlink(file.c_str());
    thread_ = std::thread([this] { run(); });
    thread_.detach();  // until the process is killed
  }
  [[nodiscard]] bool good() const { return fd_ >= 0; }
  void append(std::vector<int> senders) {
    if (senders.empty()) return;
    {
      const std::lock_guard lock(mutex_);
      waiting_.insert(waiting_.end(), senders.begin(), senders.end());
    }
    changed_.notify_one();
  }
  std::vector<int> synced() {
    const std::lock_guard lock(mutex_);
    return std::exchange(synced_, {});
  }

 private:
  void run() {
    std::vector<char> bytes;
    for (;;) {
      std::vector<int> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !waiting_.empty(); });
        batch.swap(waiting_);
      }
      bytes.resize(batch.size() * kMessage, 'x');
      if (write(fd_, bytes.data(), bytes.size()) < 0 || fdatasync(fd_) != 0) _exit(1);
      const std::lock_guard lock(mutex_);
      synced_.insert(synced_.end(), batch.begin(), batch.end());
      const std::uint64_t one = 1;
      if (write(wake_, &one, sizeof one) < 0) _exit(1);
    }
  }

  const int fd_;
  const int wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> waiting_, synced_;  // descriptors of senders, one for each message
  std::thread thread_;
};

// Connections come in pairs: a sender, then its receiver.
class Server {
 public:
  Server(int listening, const std::string& file)
      : listening_(listening), wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)), log_(file, wake_) {
    watch(epoll_, listening);
    watch(epoll_, wake_);
  }
  [[noreturn]] void run() {
    if (!log_.good()) _exit(1);
    std::array<epoll_event, kEvents> ready;
    for (;;) {
      const int count = epoll_wait(epoll_, ready.data(), kEvents, -1);
      for (int i = 0; i < count; ++i) on_ready(ready[static_cast<std::size_t>(i)].data.fd);
      log_.append(std::exchange(received_, {}));
      flush();
    }
  }

 private:
  struct Line {
    int peer = -1;
    bool sends = false;
    std::size_t got = 0;   // bytes since the last whole message
    std::size_t owed = 0;  // bytes to write at the end of the turn
  };

  void on_ready(int fd) {
    if (fd == listening_) return on_connection();
    if (fd == wake_) return on_synced();
    const ssize_t size = recv(fd, buffer_.data(), buffer_.size(), 0);
    if (size == 0) close(fd);
    if (size <= 0) return;
    Line& line = lines_[static_cast<std::size_t>(fd)];
    const std::size_t unit = line.sends ? kMessage : kAck;
    line.got += static_cast<std::size_t>(size);
    for (; line.got >= unit; line.got -= unit) {
      if (line.sends) {
        received_.push_back(fd);
      } else {
        owe(line.peer, kTold);
      }
    }
  }
  void on_connection() {
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    no_delay(fd);
    watch(epoll_, fd);
    lines_.resize(std::max(lines_.size(), static_cast<std::size_t>(fd) + 1));
    lines_[static_cast<std::size_t>(fd)].sends = alone_ < 0;
    if (alone_ < 0) {
      alone_ = fd;
      return;
    }
    lines_[static_cast<std::size_t>(fd)].peer = alone_;
    lines_[static_cast<std::size_t>(alone_)].peer = fd;
    alone_ = -1;
  }
  void on_synced() {
    std::uint64_t count = 0;
    (void)!read(wake_, &count, sizeof count);
    for (const int sender : log_.synced()) {
      owe(sender, kTold);
      owe(lines_[static_cast<std::size_t>(sender)].peer, kMessage);
    }
  }
  void owe(int fd, std::size_t bytes) {
    Line& line = lines_[static_cast<std::size_t>(fd)];
    if (line.owed == 0) owing_.push_back(fd);
    line.owed += bytes;
  }
  void flush() {
    for (const int fd : owing_) {
      std::size_t& owed = lines_[static_cast<std::size_t>(fd)].owed;
      (void)send(fd, buffer_.data(), std::min(owed, kBuffer), MSG_NOSIGNAL);
      owed = 0;
    }
    owing_.clear();
  }

  const int listening_;
  const int wake_;
  const int epoll_ = epoll_create1(EPOLL_CLOEXEC);
  Log log_;
  std::vector<Line> lines_;  // by descriptor
  std::vector<char> buffer_ = std::vector<char>(kBuffer);
  std::vector<int> received_, owing_;
  int alone_ = -1;  // a sender whose receiver has not come yet
};

struct Speaker {
  bool sends = false;
  std::size_t got = 0;
  std::uint64_t done = 0;
  Micros began = 0;
};

struct Load {
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  std::vector<int> sockets;
  std::vector<Speaker> speakers;  // by descriptor
  std::vector<char> bytes = std::vector<char>(kBuffer, 'x');
};

bool connect_all(const TalkJob& job, const sockaddr_in& address, Load& load) {
  for (std::uint32_t i = 0; i < job.connections / 2 * 2; ++i) {
    const int fd = connect_watched(address, load.epoll);
    if (fd < 0) return false;
    load.sockets.push_back(fd);
    load.speakers.resize(std::max(load.speakers.size(), static_cast<std::size_t>(fd) + 1));
    load.speakers[static_cast<std::size_t>(fd)].sends = i % 2 == 0;
  }
  return true;
}

void say(Load& load, int fd, std::size_t bytes) {
  (void)send(fd, load.bytes.data(), std::min(bytes, kBuffer), MSG_NOSIGNAL);
}

// A message is done when its sender has both the answer and the DELIVERED.
std::uint64_t talk(const TalkJob& job, Load& load, Histogram& times) {
  std::vector<char> buffer(kBuffer);
  std::array<epoll_event, kEvents> ready;
  std::uint64_t messages = 0;
  Micros now = now_us();
  const Micros until = now + static_cast<Micros>(job.seconds * 1e6);
  for (const int fd : load.sockets) {
    Speaker& speaker = load.speakers[static_cast<std::size_t>(fd)];
    speaker.began = now;
    if (speaker.sends) say(load, fd, job.outstanding * kMessage);
  }
  while (now < until) {
    const int count = epoll_wait(load.epoll, ready.data(), kEvents, kPatienceMs);
    now = now_us();
    for (int i = 0; i < count; ++i) {
      const int fd = ready[static_cast<std::size_t>(i)].data.fd;
      const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (size <= 0) continue;
      Speaker& speaker = load.speakers[static_cast<std::size_t>(fd)];
      speaker.got += static_cast<std::size_t>(size);
      const std::size_t unit = speaker.sends ? 2 * kTold : kMessage;
      const std::uint64_t whole = speaker.got / unit;
      speaker.got -= whole * unit;
      if (whole == 0) continue;
      say(load, fd, whole * (speaker.sends ? kMessage : kAck));
      if (!speaker.sends) continue;
      messages += whole;
      speaker.done += whole;
      // A round: as many as were on their way when it began.
      if (speaker.done < job.outstanding) continue;
      speaker.done -= job.outstanding;
      times.record(now - std::exchange(speaker.began, now));
    }
  }
  return messages;
}

}  // namespace

std::optional<LimitResult> talk_limit(const TalkJob& job) {
  sockaddr_in address{};
  const int listening = listen_somewhere(address);
  if (listening < 0) return std::nullopt;
  const pid_t server = fork();
  if (server == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    pin(job.server_cpu);
    Server(listening, job.file).run();
  }
  close(listening);
  if (server < 0) return std::nullopt;
  const Pinned pinned(job.load_cpu);
  Load load;
  Histogram times;
  const std::uint64_t messages = connect_all(job, address, load) ? talk(job, load, times) : 0;
  for (const int fd : load.sockets) close(fd);
  close(load.epoll);
  const double used = end_process(server);
  if (messages == 0) return std::nullopt;
  LimitResult result;
  result.per_s = static_cast<double>(messages) / job.seconds;
  result.cpu_us_each = 1e6 * used / static_cast<double>(messages);
  result.p50_ms = static_cast<double>(times.quantile(0.5)) / 1000;
  result.p99_ms = static_cast<double>(times.quantile(0.99)) / 1000;
  return result;
}

}  // namespace kith::bench
