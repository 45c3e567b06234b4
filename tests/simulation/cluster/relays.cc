// Relays come and go, and are connected with every home.
#include "tests/simulation/cluster/relays.h"

#include <algorithm>
#include <utility>

namespace kith::sim {
namespace {

constexpr std::uint64_t kFirstRelay = 200;
constexpr std::int64_t kFrozenMs = 15'000;

std::string name_of(std::uint64_t relay) {
  return "relay " + std::to_string(relay);
}

}  // namespace

// --- a relay ---

RelayProcess::RelayProcess(World& world, std::uint64_t its_number, std::size_t its_door)
    : number(its_number),
      door(its_door),
      process(world.time(), its_number),
      relay(world.network(), process, static_cast<std::uint32_t>(world.servers().size())),
      lines(world.servers().size()),
      world_(world) {
  world.network().open_door(door, *this, process);
}

RelayProcess::~RelayProcess() {
  world_.network().close_door(door);
}

// Events wait for the process, which may stand still.
void RelayProcess::on_open(server::ConnectionId id, const server::PeerInfo& peer) {
  process.post([this, id, peer, device = world_.network().device_of(id)] {
    opened(++opened_, device);
    relay.on_open(id, peer);
  });
}

void RelayProcess::on_message(server::ConnectionId id, std::string_view message) {
  process.post([this, id, frame = std::string(message)] { relay.on_message(id, frame); });
}

void RelayProcess::on_drained(server::ConnectionId id) {
  process.post([this, id] { relay.on_drained(id); });
}

void RelayProcess::on_close(server::ConnectionId id) {
  process.post([this, id] { relay.on_close(id); });
}

// --- a home ---

void HomeEntrance::listen(server::ConnectionHandler& handler, Node& /*node*/) {
  handler_ = &handler;
  hosts_.clear();
  relays_.clear();
  open_.clear();
  connections_ = std::make_unique<server::RelayedConnections>();
  connections_->listen(*this);
}

void HomeEntrance::server_died() {
  handler_ = nullptr;
  died_();
}

server::RelayHost& HomeEntrance::host_of(std::uint64_t relay) {
  server::RelayHost*& host = hosts_[relay];
  if (host == nullptr) {
    host = &connections_->add();
    relays_.push_back(relay);
  }
  return *host;
}

void HomeEntrance::on_open(server::ConnectionId id, const server::PeerInfo& peer) {
  open_[id] = device_of_(relays_.at(id.shard), id.generation);
  handler_->on_open(id, peer);
}

void HomeEntrance::on_message(server::ConnectionId id, std::string_view message) {
  watch_.server_hears(open_.at(id), message);
  handler_->on_message(id, message);
}

void HomeEntrance::on_close(server::ConnectionId id) {
  open_.erase(id);
  handler_->on_close(id);
}

void HomeEntrance::send(server::ConnectionId id, std::string_view message) {
  const auto open = open_.find(id);
  if (open == open_.end()) return;
  watch_.server_says(open->second, message);
  connections_->send(id, message);
}

void HomeEntrance::pass_on(server::ConnectionId id, std::uint32_t home, std::string_view frame) {
  open_.erase(id);
  connections_->pass_on(id, home, frame);
}

// --- all of them ---

Relays::Relays(World& world, std::uint64_t seed, std::size_t count)
    : world_(world),
      random_(seed, 56),
      wire_random_(seed, 57),
      delays_{&wire_random_, random_.chance(0.3) ? 100 : 3} {
  world_.network().use_doors(count);
  for (std::uint32_t i = 0; i < world_.servers().size(); ++i) {
    homes_.push_back(std::make_unique<HomeEntrance>(
        world_,
        [this](std::uint64_t relay, std::uint32_t generation) {
          return devices_.at({relay, generation});
        },
        [this, i] {
          homes_[i]->lines.clear();
          // Also those that it has not heard of yet.
          for (const auto& relay : relays_) {
            if (relay->lines[i]) cut(relay->lines[i]);
          }
        }));
    world_.servers()[i]->use(*homes_.back());
  }
  for (std::size_t door = 0; door < count; ++door) begin(door);
}

Relays::~Relays() {
  for (const auto& server : world_.servers()) {
    if (server->running()) server->crash();
    server->use(world_.network());
  }
  relays_.clear();
}

void Relays::begin(std::size_t door) {
  relays_.push_back(std::make_unique<RelayProcess>(world_, kFirstRelay + begun_++, door));
  RelayProcess& fresh = *relays_.back();
  fresh.opened = [this, number = fresh.number](std::uint32_t generation, std::size_t device) {
    devices_[{number, generation}] = device;
  };
  world_.trace().line(name_of(fresh.number), "begins");
  look_after(fresh.number);
}

RelayProcess* Relays::find(std::uint64_t number) {
  const auto it = std::find_if(relays_.begin(), relays_.end(),
                               [number](const auto& each) { return each->number == number; });
  return it == relays_.end() ? nullptr : it->get();
}

void Relays::look_after(std::uint64_t number) {
  RelayProcess& relay = *find(number);
  const bool whole = std::all_of(relay.lines.begin(), relay.lines.end(),
                                 [](const auto& line) { return line != nullptr; });
  relay.process.after(Millis(calm_ && whole ? 2'000 : random_.between(20, 200)), [this, number] {
    RelayProcess& there = *find(number);
    for (std::uint32_t home = 0; home < there.lines.size(); ++home) {
      if (there.lines[home] == nullptr && world_.servers()[home]->running()) connect(there, home);
    }
    look_after(number);
  });
}

void Relays::connect(RelayProcess& relay, std::uint32_t home) {
  ServerNode& server = *world_.servers()[home];
  server::RelayHost& host = homes_[home]->host_of(relay.number);
  const auto line = std::make_shared<Line>();
  line->relay = relay.number;
  line->home = home;
  line->starts = server.starts();
  line->to_home = std::make_shared<Wire>(server.node(), delays_);
  line->to_relay = std::make_shared<Wire>(relay.process, delays_);
  line->number = relay.relay.connect(home, host, *line->to_home);
  relay.lines[home] = line;
  world_.trace().line(name_of(relay.number), "connects to home " + std::to_string(home));
  line->to_home->post([this, line, &host, &relay = relay.relay] {
    homes_[line->home]->lines[line->relay] = line;
    host.connected(relay, line->home, line->number, *line->to_relay);
  });
}

void Relays::cut(const std::shared_ptr<Line>& line) {
  line->to_home->cut();
  line->to_relay->cut();
  notice_at_relay(line, notice_ms());
  notice_at_home(line, notice_ms());
}

void Relays::notice_at_relay(const std::shared_ptr<Line>& line, std::int64_t ms) {
  RelayProcess* relay = find(line->relay);
  if (relay == nullptr) return;
  relay->process.after(Millis(ms), [this, line] {
    RelayProcess& there = *find(line->relay);
    if (there.lines[line->home] != line) return;
    there.lines[line->home] = nullptr;
    there.relay.disconnect(line->home);
  });
}

void Relays::notice_at_home(const std::shared_ptr<Line>& line, std::int64_t ms) {
  ServerNode& server = *world_.servers()[line->home];
  if (!server.running() || server.starts() != line->starts) return;
  server.node().after(Millis(ms), [this, line] {
    auto& lines = homes_[line->home]->lines;
    const auto known = lines.find(line->relay);
    if (known == lines.end() || known->second != line) return;
    lines.erase(known);
    homes_[line->home]->host_of(line->relay).disconnected();
  });
}

// --- faults ---

void Relays::sometimes(int most, std::int64_t until, const std::function<void()>& fault) {
  if (random_.chance(0.5)) return;
  const std::int64_t count = random_.between(1, most);
  for (std::int64_t i = 0; i < count; ++i) {
    world_.at(random_.between(0, until), [this, fault] {
      if (!calm_ && !relays_.empty()) fault();
    });
  }
}

void Relays::plan(std::int64_t until) {
  sometimes(4, until, [this] { kill_one(); });
  sometimes(3, until, [this] { freeze_one(); });
  sometimes(6, until, [this] { break_one(); });
}

void Relays::kill_one() {
  const auto it = relays_.begin() + static_cast<std::ptrdiff_t>(random_.below(relays_.size()));
  const auto gone = std::move(*it);
  relays_.erase(it);
  world_.trace().line(name_of(gone->number), "is killed");
  for (const auto& line : gone->lines) {
    if (line) cut(line);
  }
  world_.at(world_.now() + random_.between(0, 5'000), [this, door = gone->door] {
    if (!calm_) begin(door);
  });
}

void Relays::freeze_one() {
  RelayProcess& one = any();
  if (one.process.frozen()) return;
  world_.trace().line(name_of(one.number), "is stopped");
  one.process.freeze();
  world_.at(world_.now() + random_.between(500, kFrozenMs), [this, number = one.number] {
    RelayProcess* woken = find(number);
    if (woken == nullptr || !woken->process.frozen()) return;
    world_.trace().line(name_of(number), "wakes");
    woken->process.thaw();
  });
}

void Relays::break_one() {
  const auto& line = any().lines[random_.below(homes_.size())];
  if (!line) return;
  world_.trace().line(name_of(line->relay), "loses home " + std::to_string(line->home));
  cut(line);
}

void Relays::stop() {
  calm_ = true;
  delays_.most_ms = std::min<std::int64_t>(delays_.most_ms, 3);
  std::vector<bool> doors(world_.network().doors());
  for (const auto& relay : relays_) {
    doors[relay->door] = true;
    if (relay->process.frozen()) relay->process.thaw();
  }
  for (std::size_t door = 0; door < doors.size(); ++door) {
    if (!doors[door]) begin(door);
  }
}

}  // namespace kith::sim
