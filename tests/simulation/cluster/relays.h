// Relays: processes with the sockets of devices, between the network and the homes of the simulated server.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/relay/relay.h"
#include "server/relay/relay_host.h"
#include "tests/simulation/cluster/wire.h"
#include "tests/simulation/entrance.h"
#include "tests/simulation/owners/process.h"
#include "tests/simulation/world.h"

namespace kith::sim {

// Line: a connection between a relay and a home, with a wire each way.
struct Line {
  std::uint64_t relay = 0;  // which process
  std::uint32_t home = 0;
  std::uint64_t starts = 0;  // which process of the home
  std::uint64_t number = 0;  // of the relay's side
  std::shared_ptr<Wire> to_home;
  std::shared_ptr<Wire> to_relay;
};

// RelayProcess: one relay, behind a door of the network.
class RelayProcess : public server::ConnectionHandler {
 public:
  RelayProcess(World& world, std::uint64_t its_number, std::size_t its_door);
  ~RelayProcess() override;

  void on_open(server::ConnectionId id, const server::PeerInfo& peer) override;
  void on_message(server::ConnectionId id, std::string_view message) override;
  void on_drained(server::ConnectionId id) override;
  void on_close(server::ConnectionId id) override;

  const std::uint64_t number;
  const std::size_t door;
  Process process;
  server::Relay relay;
  // Called with the device of each socket, under the generation that the relay gives to it.
  std::function<void(std::uint32_t generation, std::size_t device)> opened;
  std::vector<std::shared_ptr<Line>> lines;  // by home; null: none, as far as this side knows

 private:
  World& world_;
  std::uint32_t opened_ = 0;
};

// HomeEntrance: a home's side. It shows the checkers what the home says and hears.
class HomeEntrance : public Entrance, private server::ConnectionHandler {
 public:
  // Finds the device of a socket.
  using DeviceOf = std::function<std::size_t(std::uint64_t relay, std::uint32_t generation)>;
  HomeEntrance(NetworkWatch& watch, DeviceOf device_of, std::function<void()> died)
      : watch_(watch), device_of_(std::move(device_of)), died_(std::move(died)) {}

  void listen(server::ConnectionHandler& handler, Node& node) override;
  void server_died() override;
  void send(server::ConnectionId id, std::string_view message) override;
  std::size_t buffered(server::ConnectionId id) const override {
    return connections_->buffered(id);
  }
  void close(server::ConnectionId id, std::uint16_t code, std::string_view reason) override {
    connections_->close(id, code, reason);
  }
  void pause_reading(server::ConnectionId id, bool paused) override {
    connections_->pause_reading(id, paused);
  }
  void signed_in(server::ConnectionId id) override { connections_->signed_in(id); }
  void pass_on(server::ConnectionId id, std::uint32_t home, std::string_view frame) override;

  // The place of a relay, for as long as this process of the home lives.
  server::RelayHost& host_of(std::uint64_t relay);
  std::map<std::uint64_t, std::shared_ptr<Line>> lines;  // by relay, as far as this side knows

 private:
  void on_open(server::ConnectionId id, const server::PeerInfo& peer) override;
  void on_message(server::ConnectionId id, std::string_view message) override;
  void on_drained(server::ConnectionId id) override { handler_->on_drained(id); }
  void on_close(server::ConnectionId id) override;

  NetworkWatch& watch_;
  const DeviceOf device_of_;
  const std::function<void()> died_;
  server::ConnectionHandler* handler_ = nullptr;
  std::unique_ptr<server::RelayedConnections> connections_;
  std::map<std::uint64_t, server::RelayHost*> hosts_;  // by relay
  std::vector<std::uint64_t> relays_;                  // by slot
  std::map<server::ConnectionId, std::size_t> open_;   // their devices
};

class Relays {
 public:
  // Before the start of the homes, which devices reach by `count` relays from here on; `world` outlives this.
  Relays(World& world, std::uint64_t seed, std::size_t count);
  ~Relays();
  Relays(const Relays&) = delete;
  Relays& operator=(const Relays&) = delete;

  // Chooses the kinds of faults of this run and plans them between now and `until`.
  void plan(std::int64_t until);
  // Ends all faults.
  void stop();

 private:
  void begin(std::size_t door);
  RelayProcess* find(std::uint64_t number);
  void look_after(std::uint64_t number);
  void connect(RelayProcess& relay, std::uint32_t home);
  // Everything on its way is lost. Each side that lives notices in its own time.
  void cut(const std::shared_ptr<Line>& line);
  void notice_at_relay(const std::shared_ptr<Line>& line, std::int64_t ms);
  void notice_at_home(const std::shared_ptr<Line>& line, std::int64_t ms);

  void sometimes(int most, std::int64_t until, const std::function<void()>& fault);
  void kill_one();
  void freeze_one();
  void break_one();
  RelayProcess& any() { return *relays_[random_.below(relays_.size())]; }
  std::int64_t notice_ms() { return random_.between(0, calm_ ? 100 : 3'000); }

  World& world_;
  SeededRandom random_;
  SeededRandom wire_random_;
  WireDelays delays_;
  std::vector<std::unique_ptr<HomeEntrance>> homes_;
  std::vector<std::unique_ptr<RelayProcess>> relays_;
  std::map<std::pair<std::uint64_t, std::uint32_t>, std::size_t>
      devices_;  // also of relays that are gone
  std::uint64_t begun_ = 0;
  bool calm_ = false;
};

}  // namespace kith::sim
