// RelayHost: the sockets of one relay, as the home of their users sees them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/gateway/listener.h"
#include "server/link/lane.h"
#include "server/relay/relayed_socket.h"

namespace kith::server {

class Relay;

// On the loop of the home.
class RelayHost {
 public:
  // Its connections have the ids {slot, place, generation}. `handler` hears of them, and outlives this.
  RelayHost(std::uint32_t slot, ConnectionHandler& handler) : slot_(slot), handler_(handler) {}

  // A relay is connected, under this number of its own (Relay::connect()). `relay` is used on its loop only, by calls
  // that `lane` brings there; both outlive the connection. An earlier connection ends.
  void connected(Relay& relay, std::uint32_t home, std::uint64_t number, Lane& lane);
  // The relay cannot be reached any more: its connections have ended.
  void disconnected();
  [[nodiscard]] bool is_connected() const { return relay_ != nullptr; }

  // See Connections.
  void send(ConnectionId id, std::string_view message);
  [[nodiscard]] std::size_t buffered(ConnectionId id) const;
  void close(ConnectionId id, std::uint16_t code, std::string_view reason);
  void pause_reading(ConnectionId id, bool paused);
  void signed_in(ConnectionId id);
  void pass_on(ConnectionId id, std::uint32_t home, std::string_view frame);

 private:
  friend class Relay;  // which calls

  // A connection, in its place.
  struct Open {
    std::uint32_t generation = 0;  // 0: the place is free
    std::uint64_t heard = 0;       // frames
    std::size_t buffered = 0;
    bool closing = false;
  };

  // --- calls of the relay, of the connection `number` ---
  void opened(std::uint64_t number, RelayedSocket at, const PeerInfo& peer);
  void message(std::uint64_t number, RelayedSocket at, std::string_view message);
  void taken(std::uint64_t number, const std::vector<TakenBytes>& all);
  void closed(std::uint64_t number, RelayedSocket at);

  [[nodiscard]] const Open* find(ConnectionId id) const;
  Open* find(ConnectionId id);
  Open* find(RelayedSocket at);
  [[nodiscard]] ConnectionId id_of(RelayedSocket at) const {
    return {slot_, at.place, at.generation};
  }
  // Posts call(relay, home) to the relay, which drops it if it has ended this connection by then.
  template <class Call>
  void post(Call call);

  const std::uint32_t slot_;
  ConnectionHandler& handler_;
  Relay* relay_ = nullptr;  // null: none is connected
  Lane* lane_ = nullptr;
  std::uint32_t home_ = 0;    // this one's number
  std::uint64_t number_ = 0;  // of the connection
  std::vector<Open> table_;
};

// RelayedConnections are all connections of a home, by whichever relays they come.
class RelayedConnections : public Connections {
 public:
  // Before the first connection; outlives this.
  void listen(ConnectionHandler& handler) { handler_ = &handler; }
  // The place of a relay: it may be connected, disconnected, and connected again, or to another relay then.
  RelayHost& add();

  void send(ConnectionId id, std::string_view message) override { at(id).send(id, message); }
  std::size_t buffered(ConnectionId id) const override { return hosts_[id.shard]->buffered(id); }
  void close(ConnectionId id, std::uint16_t code, std::string_view reason) override {
    at(id).close(id, code, reason);
  }
  void pause_reading(ConnectionId id, bool paused) override { at(id).pause_reading(id, paused); }
  void signed_in(ConnectionId id) override { at(id).signed_in(id); }
  void pass_on(ConnectionId id, std::uint32_t home, std::string_view frame) override {
    at(id).pass_on(id, home, frame);
  }

 private:
  [[nodiscard]] RelayHost& at(ConnectionId id) { return *hosts_[id.shard]; }

  ConnectionHandler* handler_ = nullptr;
  std::vector<std::unique_ptr<RelayHost>> hosts_;
};

}  // namespace kith::server
