// RelayTable has the sockets of a relay, each in a place by which the homes know it. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "server/gateway/listener.h"
#include "server/relay/relayed_socket.h"

namespace kith::server {

class RelayTable {
 public:
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  struct Socket {
    ConnectionId id;
    RelayedSocket name;  // generation 0: the place is free
    PeerInfo peer;
    std::uint32_t home = kNowhere;
    std::uint64_t given = 0;        // frames that this home was given
    std::uint64_t coming_back = 0;  // frames that the home `earlier` returns
    std::uint32_t earlier = kNowhere;
    std::vector<std::string> held{};  // came meanwhile
    std::size_t sent = 0;  // bytes of the home, which does not know yet that they are taken
    bool paused = false;   // as the home wants it
  };

  Socket& add(ConnectionId id, const PeerInfo& peer);
  void erase(const Socket& socket);

  // Null if it has gone.
  [[nodiscard]] Socket* find(RelayedSocket name);
  [[nodiscard]] Socket* find(ConnectionId id);
  // The same; null also if it is of another home.
  [[nodiscard]] Socket* find(std::uint32_t home, RelayedSocket name) {
    Socket* socket = find(name);
    return socket != nullptr && socket->home == home ? socket : nullptr;
  }

  template <class Visit>
  void each(Visit visit) {
    for (Socket& socket : sockets_) {
      if (socket.name.generation != 0) visit(socket);
    }
  }

 private:
  std::vector<Socket> sockets_;
  std::vector<std::uint32_t> free_;
  std::vector<std::vector<std::uint32_t>> places_;  // by shard and index of the listener
  std::uint32_t opened_ = 0;
};

}  // namespace kith::server
