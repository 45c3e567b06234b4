// Lobby_uv holds accepted sockets until they have sent enough to be admitted: the header of a trusted
// proxy, and a whole ClientHello or the first byte of a request. A silent socket costs a descriptor and
// some hundred bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/gateway/peer_address.h"
#include "src/loop/loop_uv.h"

namespace kith::server {

class LobbyUv {
 public:
  using Key = std::uint64_t;
  // Called on the loop, also inside add().
  struct Hooks {
    std::function<void(Key, const PeerAddress&)> comes_from;  // as reported by a proxy
    std::function<void(Key)> ready;
    std::function<void(Key)> gone;  // it hung up, or cannot become a connection; it is closed
  };
  struct Guest {
    int fd = -1;
    PeerAddress address;
  };

  LobbyUv(LoopUv& loop, bool tls, Hooks hooks);
  ~LobbyUv();  // closes all

  // Takes over `fd`, which is non-blocking. `proxy_header`: it must begin with one.
  void add(Key key, int fd, const PeerAddress& address, bool proxy_header);
  // Releases the socket to the caller; fd -1 if there is none.
  Guest take(Key key);
  // Closes it; false if there is none.
  bool drop(Key key);
  [[nodiscard]] std::size_t size() const { return waiting_.size(); }

 private:
  struct Waiting;
  void watch(Waiting& waiting);
  void look(Waiting& waiting, bool hung_up);
  // False: it has gone.
  bool read_header(Waiting& waiting, std::size_t& peeked);
  void need(Waiting& waiting, std::size_t bytes, bool hung_up);
  void turn_away(Waiting& waiting);

  LoopUv& loop_;
  const bool tls_;
  Hooks hooks_;
  std::string peeked_;  // of the one that is looked at
  std::unordered_map<Key, std::unique_ptr<Waiting>> waiting_;
};

}  // namespace kith::server
