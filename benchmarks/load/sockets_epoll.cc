// Sockets: epoll, connecting, TLS and the WebSocket upgrade.
#include "benchmarks/load/sockets_epoll.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "benchmarks/load/ws_frame.h"
#include "kith/core/limits.h"

namespace kith::bench {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kKeptCapacity = 1024;  // larger buffers go back to the heap when empty
constexpr std::size_t kHeadBytesMax = 8 * 1024;
constexpr std::uint32_t kOtherDescriptors = 32;
constexpr int kEventsPerTurn = 1024;

void give_back(std::string& buffer) {
  if (buffer.capacity() > kKeptCapacity) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

Status allow_descriptors(std::uint32_t connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlim_t wanted = rlim_t{connections} + kOtherDescriptors;
  if (limit.rlim_cur >= wanted) return {};
  const rlim_t most = limit.rlim_max;
  limit.rlim_cur = std::min(wanted, most);
  setrlimit(RLIMIT_NOFILE, &limit);
  if (most >= wanted) return {};
  return make_error(ErrorCode::kLimitExceeded,
                    "this process may open " + std::to_string(most) + " files, " +
                        std::to_string(connections) + " connections need " +
                        std::to_string(wanted) +
                        ": raise the limit (ulimit -n) or run several kith-bench");
}

Error broken(int code) {
  if (code == 0) return make_error(ErrorCode::kUnavailable, "the server ended the connection");
  return make_error(ErrorCode::kUnavailable,
                    std::string("the connection broke: ") + std::strerror(code));
}

}  // namespace

Sockets::Sockets(const client::ServerUrl& url, std::uint32_t capacity, SocketEvents& events)
    : url_(url), events_(events), links_(capacity), scratch_(kReadBytes, '\0') {}

Result<std::unique_ptr<Sockets>> Sockets::create(const client::ServerUrl& url,
                                                 const std::string& ca_pem, std::uint32_t capacity,
                                                 SocketEvents& events) {
  if (const Status enough = allow_descriptors(capacity); !enough) return enough.error();
  std::unique_ptr<Sockets> self(new Sockets(url, capacity, events));
  if (const Status found = self->resolve(); !found) return found.error();
  if (url.tls) {
    auto tls = Tls::create(ca_pem, url.host);
    if (!tls) return tls.error();
    self->tls_ = std::move(*tls);
  }
  // One key for all connections of a run: it proves that a WebSocket server answers, no more.
  std::string nonce(16, '\0');
  self->random_.fill(nonce.data(), nonce.size());
  const std::string key = base64(nonce);
  self->upgrade_ = upgrade_request(url.path, url.authority(), key);
  self->accept_ = websocket_accept(key);
  self->epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (self->epoll_ < 0) return make_error(ErrorCode::kIo, "epoll is not available");
  return self;
}

Sockets::~Sockets() {
  for (std::uint32_t i = 0; i < links_.size(); ++i) drop(i);
  if (epoll_ >= 0) ::close(epoll_);
}

Status Sockets::resolve() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failed =
      getaddrinfo(url_.host.c_str(), std::to_string(url_.port).c_str(), &hints, &found);
  if (failed != 0 || found == nullptr) {
    return make_error(ErrorCode::kDnsFailed, url_.host + ": " + gai_strerror(failed));
  }
  std::memcpy(&address_, found->ai_addr, found->ai_addrlen);
  address_size_ = found->ai_addrlen;
  freeaddrinfo(found);
  return {};
}

void Sockets::connect(std::uint32_t index) {
  drop(index);
  Link& link = links_[index];
  const int fd = socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const auto refuse = [&](const char* what) {
    failed_.emplace_back(
        index, make_error(ErrorCode::kConnectFailed,
                          std::string(what) + url_.authority() + ": " + std::strerror(errno)));
  };
  if (fd < 0) return refuse("no socket for ");
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address_), address_size_) != 0 &&
      errno != EINPROGRESS) {
    refuse("cannot connect to ");
    ::close(fd);
    return;
  }
  link.fd = fd;
  link.state = State::kConnecting;
  link.wants_write = true;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT;
  event.data.u64 = std::uint64_t{link.generation} << 32 | index;
  epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
}

void Sockets::connected(std::uint32_t index) {
  Link& link = links_[index];
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(link.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) {
    return fail(index,
                make_error(ErrorCode::kConnectFailed,
                           "cannot connect to " + url_.authority() + ": " + std::strerror(error)));
  }
  watch(index, false);
  if (!tls_) return begin_upgrade(index);
  link.state = State::kTls;
  link.ssl = tls_->attach(link.fd, link.session);
  handshake(index);
}

void Sockets::handshake(std::uint32_t index) {
  Link& link = links_[index];
  ERR_clear_error();
  const int done = SSL_do_handshake(link.ssl);
  if (done == 1) {
    watch(index, false);
    return begin_upgrade(index);
  }
  const int why = SSL_get_error(link.ssl, done);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    return watch(index, why == SSL_ERROR_WANT_WRITE);
  }
  fail(index, Tls::error_of(link.ssl));
}

void Sockets::begin_upgrade(std::uint32_t index) {
  Link& link = links_[index];
  link.state = State::kUpgrading;
  link.out = upgrade_;
  mark_dirty(index);
}

void Sockets::send(std::uint32_t index, std::string_view message) {
  Link& link = links_[index];
  if (link.state != State::kOpen) return;
  append_ws_frame(link.out, WsOp::kBinary, message, static_cast<std::uint32_t>(random_.next()));
  mark_dirty(index);
}

void Sockets::close(std::uint32_t index) {
  Link& link = links_[index];
  if (link.state != State::kOpen) return drop(index);
  append_ws_frame(link.out, WsOp::kClose, std::string_view("\x03\xe8", 2),
                  static_cast<std::uint32_t>(random_.next()));
  link.state = State::kLeaving;
  mark_dirty(index);
}

void Sockets::cut(std::uint32_t index) {
  Link& link = links_[index];
  if (link.fd < 0) return;
  const linger at_once{1, 0};
  setsockopt(link.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  drop(index);
}

void Sockets::drop(std::uint32_t index) {
  Link& link = links_[index];
  if (link.fd < 0) return;
  Tls::detach(std::exchange(link.ssl, nullptr));
  ::close(std::exchange(link.fd, -1));
  ++link.generation;
  link.state = State::kClosed;
  give_back(link.in);
  give_back(link.out);
  give_back(link.message);
}

void Sockets::fail(std::uint32_t index, const Error& error) {
  const bool silent = links_[index].state == State::kLeaving;
  drop(index);
  if (!silent) events_.on_close(index, error);
}

void Sockets::turn(Micros wait) {
  flush();
  for (const auto& [index, error] : std::exchange(failed_, {})) events_.on_close(index, error);
  std::array<epoll_event, kEventsPerTurn> ready;
  const timespec time{wait / kSecond, static_cast<long>(wait % kSecond * 1000)};
  const int count = epoll_pwait2(epoll_, ready.data(), kEventsPerTurn, &time, nullptr);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = ready[static_cast<std::size_t>(i)];
    const auto index = static_cast<std::uint32_t>(event.data.u64);
    const auto current = [&] { return links_[index].generation == event.data.u64 >> 32; };
    if (!current()) continue;
    if (links_[index].state == State::kConnecting) {
      connected(index);
      continue;
    }
    if (links_[index].state == State::kTls) {
      handshake(index);
      continue;
    }
    if ((event.events & EPOLLOUT) != 0) flush_link(index);
    if (current() && (event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0) readable(index);
  }
  flush();
}

void Sockets::readable(std::uint32_t index) {
  const std::uint32_t generation = links_[index].generation;
  while (links_[index].generation == generation) {
    Link& link = links_[index];
    ssize_t size = 0;
    if (link.ssl != nullptr) {
      ERR_clear_error();
      size = SSL_read(link.ssl, scratch_.data(), static_cast<int>(scratch_.size()));
      if (size <= 0) {
        const int why = SSL_get_error(link.ssl, static_cast<int>(size));
        if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return;
        return fail(index, why == SSL_ERROR_SYSCALL ? broken(errno) : Tls::error_of(link.ssl));
      }
    } else {
      size = recv(link.fd, scratch_.data(), scratch_.size(), 0);
      if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (size <= 0) return fail(index, broken(size == 0 ? 0 : errno));
    }
    if (!take(index, std::string_view(scratch_).substr(0, static_cast<std::size_t>(size)))) return;
    // epoll reports a plain socket again, but not the bytes that OpenSSL has already decrypted.
    if (links_[index].ssl == nullptr) return;
  }
}

// False if the connection is gone.
bool Sockets::take(std::uint32_t index, std::string_view bytes) {
  const std::uint32_t generation = links_[index].generation;
  std::string joined;
  if (!links_[index].in.empty()) {
    joined = std::move(links_[index].in);
    links_[index].in.clear();
    joined.append(bytes);
    bytes = joined;
  }
  if (links_[index].state == State::kUpgrading) {
    const UpgradeAnswer answer = read_upgrade_answer(bytes, accept_);
    if (answer.size == 0 && bytes.size() < kHeadBytesMax) {
      links_[index].in = bytes;
      return true;
    }
    if (!answer.accepted) {
      fail(index, make_error(ErrorCode::kNotKithServer,
                             url_.authority() + " answers, but is no Kith server at " + url_.path));
      return false;
    }
    bytes.remove_prefix(answer.size);
    links_[index].state = State::kOpen;
    events_.on_open(index);
    if (links_[index].generation != generation) return false;
  }
  const std::size_t taken = take_frames(index, bytes);
  if (links_[index].generation != generation) return false;
  if (taken < bytes.size()) links_[index].in.assign(bytes.substr(taken));
  return true;
}

std::size_t Sockets::take_frames(std::uint32_t index, std::string_view bytes) {
  const std::size_t all = bytes.size();
  for (;;) {
    WsFrame frame;
    const WsRead read = read_ws_frame(bytes, limits::frame_bytes_max, frame);
    if (read == WsRead::kMore) return all - bytes.size();
    if (read == WsRead::kBad) {
      fail(index, make_error(ErrorCode::kProtocol, "the server sent no WebSocket frame"));
      return all;
    }
    if (!take_frame(index, static_cast<std::uint8_t>(frame.op), frame.fin, frame.payload)) {
      return all;
    }
  }
}

bool Sockets::take_frame(std::uint32_t index, std::uint8_t op, bool fin, std::string_view payload) {
  const std::uint32_t generation = links_[index].generation;
  Link& link = links_[index];
  switch (static_cast<WsOp>(op)) {
    case WsOp::kPing:
      append_ws_frame(link.out, WsOp::kPong, payload, static_cast<std::uint32_t>(random_.next()));
      mark_dirty(index);
      return true;
    case WsOp::kPong:
      return true;
    case WsOp::kClose: {
      const unsigned code = payload.size() < 2 ? 0
                                               : static_cast<unsigned char>(payload[0]) << 8 |
                                                     static_cast<unsigned char>(payload[1]);
      fail(index, make_error(ErrorCode::kUnavailable,
                             "the server closed the connection with code " + std::to_string(code)));
      return false;
    }
    default:
      break;
  }
  if (link.state == State::kLeaving) return true;
  if (fin && link.message.empty()) {
    events_.on_message(index, payload);
    return links_[index].generation == generation;
  }
  link.message.append(payload);
  if (!fin) return true;
  const std::string whole = std::exchange(link.message, {});
  events_.on_message(index, whole);
  return links_[index].generation == generation;
}

void Sockets::mark_dirty(std::uint32_t index) {
  if (std::exchange(links_[index].dirty, true)) return;
  dirty_.push_back(index);
}

void Sockets::flush() {
  // Writing may fail, which may make others dirty: by index.
  for (std::size_t i = 0; i < dirty_.size(); ++i) {
    const std::uint32_t index = dirty_[i];
    links_[index].dirty = false;
    if (links_[index].fd >= 0 && !links_[index].wants_write) flush_link(index);
  }
  dirty_.clear();
}

void Sockets::flush_link(std::uint32_t index) {
  Link& link = links_[index];
  std::size_t at = 0;
  bool full = false;
  while (at < link.out.size() && !full) {
    const std::size_t left = link.out.size() - at;
    ssize_t size = 0;
    if (link.ssl != nullptr) {
      ERR_clear_error();
      size = SSL_write(link.ssl, link.out.data() + at, static_cast<int>(left));
      if (size <= 0) {
        const int why = SSL_get_error(link.ssl, static_cast<int>(size));
        full = why == SSL_ERROR_WANT_WRITE || why == SSL_ERROR_WANT_READ;
        if (!full)
          return fail(index, why == SSL_ERROR_SYSCALL ? broken(errno) : Tls::error_of(link.ssl));
      }
    } else {
      size = ::send(link.fd, link.out.data() + at, left, MSG_NOSIGNAL);
      full = size < 0 && (errno == EAGAIN || errno == EINTR);
      if (size < 0 && !full) return fail(index, broken(errno));
    }
    if (size > 0) at += static_cast<std::size_t>(size);
  }
  if (at == link.out.size()) {
    give_back(link.out);
  } else {
    link.out.erase(0, at);
  }
  watch(index, full);
}

void Sockets::watch(std::uint32_t index, bool write) {
  Link& link = links_[index];
  if (link.wants_write == write) return;
  link.wants_write = write;
  epoll_event event{};
  event.events = EPOLLIN | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
  event.data.u64 = std::uint64_t{link.generation} << 32 | index;
  epoll_ctl(epoll_, EPOLL_CTL_MOD, link.fd, &event);
}

}  // namespace kith::bench
