// Lobby_uv: peeks at the bytes that sockets have received, and takes out only PROXY headers.
#include "server/gateway/lobby_uv.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kith/core/limits.h"
#include "server/gateway/client_hello.h"
#include "server/gateway/proxy_header.h"

namespace kith::server {
namespace {

constexpr std::size_t kPeekMax = limits::client_hello_bytes_max + 16;

// Makes the kernel report the socket as readable only from `bytes` on, so that half a greeting costs
// nothing until the rest arrives.
void set_low_water(int fd, std::size_t bytes) {
  const int least = static_cast<int>(bytes);
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof least);
}

}  // namespace

struct LobbyUv::Waiting {
  LobbyUv& lobby;
  Key key;
  int fd;
  PeerAddress address;
  bool proxy_header;
  bool ready = false;
  std::size_t low_water = 1;
  uv_poll_t* poll = nullptr;  // owns itself from uv_close() on

  ~Waiting() {
    stop();
    if (fd >= 0) ::close(fd);
  }
  void stop() {
    if (poll == nullptr) return;
    uv_poll_stop(poll);
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll, nullptr)),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  }
};

LobbyUv::LobbyUv(LoopUv& loop, bool tls, Hooks hooks)
    : loop_(loop), tls_(tls), hooks_(std::move(hooks)), peeked_(kPeekMax, '\0') {}

LobbyUv::~LobbyUv() = default;

void LobbyUv::add(Key key, int fd, const PeerAddress& address, bool proxy_header) {
  auto& waiting = waiting_[key];
  waiting.reset(new Waiting{*this, key, fd, address, proxy_header});
  look(*waiting, false);  // mostly the greeting is there already
}

LobbyUv::Guest LobbyUv::take(Key key) {
  const auto found = waiting_.find(key);
  if (found == waiting_.end()) return {};
  Waiting& waiting = *found->second;
  waiting.stop();
  if (waiting.low_water != 1) set_low_water(waiting.fd, 1);
  const Guest guest{std::exchange(waiting.fd, -1), waiting.address};
  waiting_.erase(found);
  return guest;
}

bool LobbyUv::drop(Key key) {
  return waiting_.erase(key) != 0;
}

void LobbyUv::turn_away(Waiting& waiting) {
  const Key key = waiting.key;
  waiting_.erase(key);
  hooks_.gone(key);
}

void LobbyUv::watch(Waiting& waiting) {
  if (waiting.poll == nullptr) {
    waiting.poll = new uv_poll_t{};
    waiting.poll->data = &waiting;
    if (uv_poll_init(loop_.uv(), waiting.poll, waiting.fd) != 0) {
      delete std::exchange(waiting.poll, nullptr);
      return turn_away(waiting);
    }
  }
  uv_poll_start(waiting.poll, UV_READABLE | UV_DISCONNECT,
                [](uv_poll_t* poll, int status, int events) {
                  auto& self = *static_cast<Waiting*>(poll->data);
                  self.lobby.look(self, status < 0 || (events & UV_DISCONNECT) != 0);
                });
}

void LobbyUv::need(Waiting& waiting, std::size_t bytes, bool hung_up) {
  if (hung_up || bytes > kPeekMax) return turn_away(waiting);
  if (bytes != waiting.low_water) set_low_water(waiting.fd, bytes);
  waiting.low_water = bytes;
  watch(waiting);
}

bool LobbyUv::read_header(Waiting& waiting, std::size_t& peeked) {
  const ProxyHeader header = read_proxy_header({peeked_.data(), peeked});
  if (header.kind != ProxyHeader::Kind::kRead) {
    turn_away(waiting);
    return false;
  }
  if (recv(waiting.fd, peeked_.data(), header.size, MSG_DONTWAIT) !=
      static_cast<ssize_t>(header.size)) {
    turn_away(waiting);
    return false;
  }
  waiting.proxy_header = false;
  if (header.client) {
    waiting.address = *header.client;
    hooks_.comes_from(waiting.key, *header.client);
  }
  const ssize_t rest = recv(waiting.fd, peeked_.data(), kPeekMax, MSG_PEEK | MSG_DONTWAIT);
  peeked = rest > 0 ? static_cast<std::size_t>(rest) : 0;
  return true;
}

void LobbyUv::look(Waiting& waiting, bool hung_up) {
  if (waiting.ready) return;
  const ssize_t got = recv(waiting.fd, peeked_.data(), kPeekMax, MSG_PEEK | MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return turn_away(waiting);
  std::size_t peeked = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (waiting.proxy_header) {
    const ProxyHeader header = read_proxy_header({peeked_.data(), peeked});
    if (header.kind == ProxyHeader::Kind::kIncomplete) return need(waiting, header.size, hung_up);
    if (!read_header(waiting, peeked)) return;
  }
  const auto needed = tls_ ? client_hello_needs({peeked_.data(), peeked}) : std::size_t{1};
  if (!needed) return turn_away(waiting);
  if (peeked < *needed) return need(waiting, *needed, hung_up);
  waiting.ready = true;
  waiting.stop();
  hooks_.ready(waiting.key);
}

}  // namespace kith::server
