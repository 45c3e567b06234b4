// ShardEntrance admits connections: it accepts sockets, keeps them in the lobby until they have earned a place, passes
// them to libwebsockets, and closes those that do not sign in when there is no room.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/gateway/acceptor_uv.h"
#include "server/gateway/arrivals.h"
#include "server/gateway/connection_output_lws.h"
#include "server/gateway/lobby_uv.h"
#include "server/gateway/peer_address.h"
#include "server/gateway/shard_context_lws.h"
#include "src/token_bucket.h"

namespace kith::server {

// Read from any thread.
struct ShardCounters {
  std::atomic<std::uint64_t> refused{0};  // no place for them, or replaced by others
  std::atomic<std::uint64_t> overdue{0};  // too slow with their handshake or request
  std::atomic<std::uint64_t> waiting{0};  // accepted and not let in yet, now
  std::atomic<int> listening{-1};         // the socket, for the kernel's count of drops
};

class ShardEntrance {
 public:
  struct Ports {
    LoopUv& loop;
    ConnectionSlots& slots;
    ConnectionOutput& output;
    ShardContext& context;
  };
  // `failed` is called with the slot of a socket that libwebsockets did not take. All must outlive it.
  ShardEntrance(const ListenerOptions& options, const AddressRanges& trusted, const Ports& ports,
                std::function<void(std::uint32_t)> failed);

  // Takes over a listening socket.
  void open(int listening);
  void stop_accepting();
  // Admits no further connections, and closes the waiting ones.
  void close();
  void use_trusted_proxies(const AddressRanges& trusted) { trusted_ = trusted; }

  // The connection has become a WebSocket; `forwarded_for`: the client's addresses in its request.
  void established(ConnectionSlot& slot, const std::vector<std::string>& forwarded_for);
  void signed_in(ConnectionSlot& slot);
  // The connection of the slot has gone, and later its socket.
  void left(const ConnectionSlot& slot);
  void socket_gone();
  // Places may have become free.
  void turn_ended() {
    if (arrivals_.waiting()) let_in();
  }

  [[nodiscard]] const ShardCounters& counters() const { return counters_; }

 private:
  struct Pace {  // of handshakes
    BucketRate rate;
    TokenBucket bucket{};
  };
  struct Sockets {
    std::uint32_t max = 0;
    std::uint32_t open = 0;  // accepted and not yet gone, in the lobby or in a slot
  };
  LobbyUv::Hooks lobby_hooks();
  void take_in(std::vector<Accepted>& batch);
  void welcome_socket(int fd, const PeerAddress& address);
  bool make_room();
  void let_in();
  void come_in(Arrivals::Key key);
  void sweep();
  void expel(Arrivals::Key key);

  const Ports ports_;
  const std::function<void(std::uint32_t)> failed_;
  AddressRanges trusted_;
  const bool proxy_protocol_;
  Sockets sockets_;
  Pace handshakes_;
  Arrivals arrivals_;
  std::unique_ptr<LobbyUv> lobby_;
  std::unique_ptr<AcceptorUv> acceptor_;
  std::unordered_map<Arrivals::Key, std::uint32_t> entering_;  // slots of those not signed in
  Scheduler::TimerId let_in_timer_ = 0;
  Scheduler::TimerId sweep_timer_ = 0;
  ShardCounters counters_;
};

}  // namespace kith::server
