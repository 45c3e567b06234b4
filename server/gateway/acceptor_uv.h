// Acceptor_uv takes connections out of the kernel's queue on a thread of its own, as fast as they come:
// a loop that also does other work lets the queue fill up, and a client that does not fit comes back
// only after seconds.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "server/gateway/peer_address.h"
#include "src/guard.h"
#include "src/loop/loop_uv.h"
#include "src/mailbox.h"

struct uv_poll_s;

namespace kith::server {

// An accepted socket, which is closed unless it is taken.
struct Accepted {
  Accepted(int socket, const PeerAddress& from) : fd(socket), address(from) {}
  Accepted(Accepted&& other) noexcept : fd(std::exchange(other.fd, -1)), address(other.address) {}
  Accepted& operator=(Accepted&& other) noexcept {
    std::swap(fd, other.fd);
    address = other.address;
    return *this;
  }
  ~Accepted() {
    if (fd >= 0) ::close(fd);
  }
  int take() { return std::exchange(fd, -1); }

  int fd;
  PeerAddress address;
};

class AcceptorUv {
 public:
  // Both on the loop that the sockets are for.
  struct Hooks {
    std::function<void(std::vector<Accepted>&)> accepted;
    std::function<void()> starved;  // no descriptor is left
  };

  // Takes over `listening`. Accepts at most `untaken_max` sockets before `to` has taken earlier ones.
  AcceptorUv(int listening, LoopUv& to, std::size_t untaken_max, Hooks hooks);
  ~AcceptorUv();  // loop of `to`; no hook is called afterwards

 private:
  void watch();
  void accept_all();
  void pause(Millis wait);

  const int listening_;
  LoopUv& to_;
  const std::size_t untaken_max_;
  Hooks hooks_;
  std::atomic<std::size_t> untaken_{0};
  Mailbox<Accepted> accepted_;
  LoopUv loop_;
  uv_poll_s* poll_ = nullptr;  // owns itself from uv_close() on
  Guard guard_;                // loop of `to`
};

}  // namespace kith::server
