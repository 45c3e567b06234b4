// Relay owns sockets for homes that are elsewhere: it passes whole messages between each socket and the home of its
// user, and keeps nothing that could be lost with it but the sockets themselves.
//
// It cannot know whose a new connection is: any home gets it, and passes it on, with the frame that has shown it,
// if the user is of another home. Everything that a socket says reaches the homes in its order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kith/core/scheduler.h"
#include "server/gateway/listener.h"
#include "server/link/lane.h"
#include "server/relay/relay_table.h"
#include "server/relay/relayed_socket.h"
#include "src/guard.h"

namespace kith::server {

class RelayHost;

// On the loop of the relay.
class Relay : public ConnectionHandler {
 public:
  // `sockets` and `scheduler` outlive this. `homes`: how many there are.
  Relay(Connections& sockets, Scheduler& scheduler, std::uint32_t homes)
      : sockets_(sockets), scheduler_(scheduler), homes_(homes) {}

  // From here on calls to the home `number` go to `host`, through `lane`; both outlive the connection. An earlier
  // connection ends. Returns the number for RelayHost::connected().
  std::uint64_t connect(std::uint32_t number, RelayHost& host, Lane& lane);
  // The home cannot be reached any more: the sockets of its users are closed, and what it still says is dropped.
  void disconnect(std::uint32_t number);
  [[nodiscard]] bool is_current(std::uint32_t home, std::uint64_t connection) const {
    return homes_[home].connection == connection;
  }

  void on_open(ConnectionId id, const PeerInfo& peer) override;
  void on_message(ConnectionId id, std::string_view message) override;
  void on_drained(ConnectionId id) override;
  void on_close(ConnectionId id) override;

  // Connections whose home cannot be reached, or which came when none could.
  [[nodiscard]] std::uint64_t turned_away() const { return turned_away_; }

 private:
  friend class RelayHost;  // which answers
  static constexpr std::uint32_t kNowhere = RelayTable::kNowhere;

  struct HomeLink {
    RelayHost* host = nullptr;
    Lane* lane = nullptr;
    std::uint64_t connection = 0;  // its number; 0: there is none
    std::vector<TakenBytes> taken;
  };
  using Socket = RelayTable::Socket;

  // --- calls of a home; of a socket that is not its own any more they do nothing ---
  void send(std::uint32_t home, RelayedSocket at, std::string_view message);
  void close(std::uint32_t home, RelayedSocket at, std::uint16_t code, std::string_view reason);
  void pause_reading(std::uint32_t home, RelayedSocket at, bool paused);
  void signed_in(std::uint32_t home, RelayedSocket at);
  // The user of the connection is of another home.
  struct Passed {
    std::uint32_t to = 0;  // that home
    std::string frame{};   // which has shown it
    std::uint64_t heard =
        0;  // frames that the one which says so has heard, this one included; it returns all others
  };
  void pass_on(std::uint32_t home, RelayedSocket at, const Passed& passed);
  void returned(RelayedSocket at, std::string_view frame);

  [[nodiscard]] std::uint32_t any_home();
  void give(Socket& socket, std::uint32_t home);
  void tell(Socket& socket, std::string_view message);
  void turn_away(Socket& socket);
  void read_on(const Socket& socket) {
    sockets_.pause_reading(socket.id, socket.paused || socket.coming_back > 0);
  }
  void note_taken(Socket& socket);
  void tell_taken();
  // Posts call(host) to the home of the socket.
  template <class Call>
  void post(std::uint32_t home, Call call) {
    HomeLink& link = homes_[home];
    link.lane->post([host = link.host, number = link.connection, call = std::move(call)]() mutable {
      call(*host, number);
    });
  }

  Connections& sockets_;
  Scheduler& scheduler_;
  std::vector<HomeLink> homes_;
  RelayTable table_;
  std::vector<RelayedSocket> sent_;  // to be looked at when the turn of the loop is over
  std::uint32_t next_home_ = 0;
  std::uint64_t connections_ = 0;
  std::uint64_t turned_away_ = 0;
  Guard guard_;
};

}  // namespace kith::server
