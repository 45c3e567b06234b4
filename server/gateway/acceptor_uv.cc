// Acceptor_uv: accept4() until nothing is left, at most once a millisecond.
#include "server/gateway/acceptor_uv.h"

#include <sys/socket.h>
#include <uv.h>

#include <cerrno>

namespace kith::server {
namespace {

constexpr auto kStarvedPause = std::chrono::milliseconds(20);
// The kernel's queue has room for connections that arrive meanwhile. Without the pause a thread that
// is woken for each of many connections costs more than its work, and on a shared core it takes that
// from the loop.
constexpr auto kGatheringPause = std::chrono::milliseconds(1);
constexpr auto kUntakenPause = std::chrono::milliseconds(2);

}  // namespace

AcceptorUv::AcceptorUv(int listening, LoopUv& to, std::size_t untaken_max, Hooks hooks)
    : listening_(listening),
      to_(to),
      untaken_max_(untaken_max),
      hooks_(std::move(hooks)),
      accepted_(to, [this](std::vector<Accepted>& batch) {
        untaken_ -= batch.size();
        hooks_.accepted(batch);
      }) {
  loop_.start();
  loop_.post([this] { watch(); });
}

AcceptorUv::~AcceptorUv() {
  accepted_.close();
  loop_.run_sync([this] {
    if (poll_ == nullptr) return;
    uv_poll_stop(poll_);
    uv_close(reinterpret_cast<uv_handle_t*>(std::exchange(poll_, nullptr)),
             [](uv_handle_t* handle) { delete reinterpret_cast<uv_poll_t*>(handle); });
  });
  loop_.stop();
  ::close(listening_);
}

void AcceptorUv::watch() {
  if (poll_ == nullptr) {
    poll_ = new uv_poll_t{};
    poll_->data = this;
    uv_poll_init(loop_.uv(), poll_, listening_);
  }
  uv_poll_start(poll_, UV_READABLE, [](uv_poll_t* poll, int, int) {
    static_cast<AcceptorUv*>(poll->data)->accept_all();
  });
}

void AcceptorUv::pause(Millis wait) {
  uv_poll_stop(poll_);
  loop_.after(wait, [this] {
    if (poll_ != nullptr) watch();
  });
}

void AcceptorUv::accept_all() {
  while (untaken_ < untaken_max_) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const int fd = accept4(listening_, reinterpret_cast<sockaddr*>(&from), &size,
                           SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      ++untaken_;
      accepted_.put({fd, PeerAddress::from(reinterpret_cast<const sockaddr*>(&from))});
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    const bool starved = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
    if (!starved) return pause(Millis(kGatheringPause));
    to_.post(guard_.wrap([this] { hooks_.starved(); }));
    return pause(Millis(kStarvedPause));
  }
  pause(Millis(kUntakenPause));
}

}  // namespace kith::server
