// ControlSocket: where a running kithd takes orders.
#include "server/daemon/control_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <utility>

namespace kith::server::daemon {
namespace {

constexpr const char* kName = "control";
constexpr int kBacklog = 8;
constexpr int kOrderMs = 5'000;  // for the whole order to come
constexpr std::string_view kGood = "ok ";
constexpr std::string_view kBad = "failed ";

Error broken(const std::string& path, int error) {
  return make_error(ErrorCode::kIo, path + ": " + std::strerror(error));
}

// An address by way of the directory's descriptor: a path may be longer than a socket's address. The descriptor is
// kept open as long as this lives.
class Address {
 public:
  explicit Address(const std::string& dir)
      : dir_(::open(dir.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address_.sun_family = AF_UNIX;
    const std::string path = "/proc/self/fd/" + std::to_string(dir_) + "/" + kName;
    std::memcpy(address_.sun_path, path.c_str(), path.size() + 1);
  }
  ~Address() {
    if (dir_ >= 0) ::close(dir_);
  }
  Address(const Address&) = delete;
  Address& operator=(const Address&) = delete;
  [[nodiscard]] bool found() const { return dir_ >= 0; }
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const { return sizeof address_; }

 private:
  const int dir_;
  sockaddr_un address_{};
};

bool allowed(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return false;
  return peer.uid == 0 || peer.uid == ::geteuid();
}

// A failure as it travels: "8 there is no such user".
std::string text_of(const Error& error) {
  return std::to_string(static_cast<unsigned>(error.code)) + " " + error.message;
}

Error error_of(std::string_view text) {
  std::uint16_t code = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), code);
  const auto known = static_cast<ErrorCode>(code);
  // kClosed says that no kithd runs there, and this one does.
  if (failed != std::errc() || known == ErrorCode::kClosed)
    return make_error(ErrorCode::kIo, std::string(text));
  text.remove_prefix(std::min(static_cast<std::size_t>(end - text.data()) + 1, text.size()));
  return make_error(known, std::string(text));
}

bool send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

ControlSocket::ControlSocket(int listening, int stop, std::string path, Handler handler)
    : listening_(listening), stop_(stop), path_(std::move(path)), handler_(std::move(handler)) {
  thread_ = std::thread([this] { run(); });
}

Result<std::unique_ptr<ControlSocket>> ControlSocket::open(const std::string& data_dir,
                                                           Handler handler) {
  const std::string path = data_dir + "/" + kName;
  const Address address(data_dir);
  if (!address.found()) return broken(data_dir, errno);
  ::unlink(path.c_str());  // of a process that was killed: the directory is ours
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return broken(path, errno);
  const int stop = ::eventfd(0, EFD_CLOEXEC);
  if (::bind(fd, address.get(), address.size()) != 0 || ::listen(fd, kBacklog) != 0 || stop < 0) {
    const int error = errno;
    ::close(fd);
    if (stop >= 0) ::close(stop);
    return broken(path, error);
  }
  return std::unique_ptr<ControlSocket>(new ControlSocket(fd, stop, path, std::move(handler)));
}

ControlSocket::~ControlSocket() {
  const std::uint64_t one = 1;
  (void)!::write(stop_, &one, sizeof one);
  thread_.join();
  ::close(listening_);
  ::close(stop_);
  ::unlink(path_.c_str());
}

void ControlSocket::run() {
  for (;;) {
    pollfd waiting[] = {{listening_, POLLIN, 0}, {stop_, POLLIN, 0}};
    if (::poll(waiting, 2, -1) < 0 && errno != EINTR) return;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents == 0) continue;
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    if (allowed(fd)) answer(fd);
    ::close(fd);
  }
}

void ControlSocket::answer(int fd) {
  const timeval wait{kOrderMs / 1'000, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  std::string order;
  char piece[1'024];
  while (order.find('\n') == std::string::npos) {
    const ssize_t got = ::recv(fd, piece, sizeof piece, 0);
    if (got <= 0) return;
    order.append(piece, static_cast<std::size_t>(got));
    if (order.size() > kOrderBytesMax) return;
  }
  order.resize(order.find('\n'));
  const Result<std::string> done = handler_(order);
  (void)send_all(fd, done ? std::string(kGood) + *done : std::string(kBad) + text_of(done.error()));
}

Result<std::string> ask_running(const std::string& data_dir, const std::string& order) {
  const std::string path = data_dir + "/" + kName;
  const Error nobody = make_error(ErrorCode::kClosed, data_dir + ": no kithd runs there");
  const Address address(data_dir);
  if (!address.found()) return nobody;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return broken(path, errno);
  std::string answer;
  if (::connect(fd, address.get(), address.size()) != 0) {
    const int error = errno;
    ::close(fd);
    return error == ENOENT || error == ECONNREFUSED ? nobody : broken(path, error);
  }
  char piece[1'024];
  ssize_t got = send_all(fd, order + "\n") ? 1 : -1;
  while (got > 0) {
    got = ::recv(fd, piece, sizeof piece, 0);
    if (got > 0) answer.append(piece, static_cast<std::size_t>(got));
  }
  ::close(fd);
  if (answer.starts_with(kGood)) return answer.substr(kGood.size());
  if (answer.starts_with(kBad)) return error_of(std::string_view(answer).substr(kBad.size()));
  return make_error(ErrorCode::kIo,
                    path + ": the server did not answer; it serves its owner and root alone");
}

}  // namespace kith::server::daemon
