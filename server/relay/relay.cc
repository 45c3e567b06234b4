// Messages between sockets and homes.
#include "server/relay/relay.h"

#include <utility>

#include "server/gateway/session.h"
#include "server/relay/relay_host.h"

namespace kith::server {
// --- homes ---

std::uint64_t Relay::connect(std::uint32_t number, RelayHost& host, Lane& lane) {
  disconnect(number);
  HomeLink& home = homes_[number];
  home = {&host, &lane, ++connections_, {}};
  return home.connection;
}

void Relay::disconnect(std::uint32_t number) {
  HomeLink& home = homes_[number];
  if (home.connection == 0) return;
  home = {};
  table_.each([this, number](Socket& socket) {
    const bool waits = socket.coming_back > 0 && socket.earlier == number;
    if (socket.home == number || waits) turn_away(socket);
  });
}

std::uint32_t Relay::any_home() {
  const auto count = static_cast<std::uint32_t>(homes_.size());
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t home = next_home_++ % count;
    if (homes_[home].connection != 0) return home;
  }
  return kNowhere;
}

// --- sockets ---

void Relay::on_open(ConnectionId id, const PeerInfo& peer) {
  give(table_.add(id, peer), any_home());
}

void Relay::on_message(ConnectionId id, std::string_view message) {
  Socket* socket = table_.find(id);
  if (socket == nullptr || socket->home == kNowhere) return;
  if (socket->coming_back > 0) {
    socket->held.emplace_back(message);
  } else {
    tell(*socket, message);
  }
}

void Relay::on_drained(ConnectionId id) {
  Socket* socket = table_.find(id);
  if (socket == nullptr) return;
  note_taken(*socket);
  tell_taken();
}

void Relay::on_close(ConnectionId id) {
  Socket* socket = table_.find(id);
  if (socket == nullptr) return;
  if (socket->home != kNowhere) {
    post(socket->home,
         [at = socket->name](RelayHost& host, std::uint64_t number) { host.closed(number, at); });
  }
  table_.erase(*socket);
}

// --- towards the homes ---

void Relay::give(Socket& socket, std::uint32_t home) {
  if (home >= homes_.size() || homes_[home].connection == 0) return turn_away(socket);
  socket.home = home;
  socket.given = 0;
  post(home, [at = socket.name, peer = socket.peer](RelayHost& host, std::uint64_t number) {
    host.opened(number, at, peer);
  });
}

void Relay::tell(Socket& socket, std::string_view message) {
  ++socket.given;
  post(socket.home,
       [at = socket.name, frame = std::string(message)](RelayHost& host, std::uint64_t number) {
         host.message(number, at, frame);
       });
}

void Relay::turn_away(Socket& socket) {
  ++turned_away_;
  if (socket.home != kNowhere && homes_[socket.home].connection != 0) {
    post(socket.home,
         [at = socket.name](RelayHost& host, std::uint64_t number) { host.closed(number, at); });
  }
  socket.home = kNowhere;
  socket.coming_back = 0;
  socket.held.clear();
  sockets_.close(socket.id, close_code::kDrain, "the server of this account cannot be reached");
}

void Relay::note_taken(Socket& socket) {
  if (socket.home == kNowhere || socket.sent == 0) return;
  homes_[socket.home].taken.push_back({socket.name, std::exchange(socket.sent, 0)});
}

void Relay::tell_taken() {
  for (std::uint32_t home = 0; home < homes_.size(); ++home) {
    if (homes_[home].taken.empty()) continue;
    post(home, [all = std::exchange(homes_[home].taken, {})](
                   RelayHost& host, std::uint64_t number) { host.taken(number, all); });
  }
}

// --- calls of a home ---

void Relay::send(std::uint32_t home, RelayedSocket at, std::string_view message) {
  Socket* socket = table_.find(home, at);
  if (socket == nullptr) return;
  socket->sent += message.size();
  sockets_.send(socket->id, message);
  sent_.push_back(at);
  if (sent_.size() > 1) return;
  scheduler_.post(guard_.wrap([this] {
    for (const RelayedSocket one : std::exchange(sent_, {})) {
      Socket* written = table_.find(one);
      if (written != nullptr && sockets_.buffered(written->id) == 0) note_taken(*written);
    }
    tell_taken();
  }));
}

void Relay::close(std::uint32_t home, RelayedSocket at, std::uint16_t code,
                  std::string_view reason) {
  if (const Socket* socket = table_.find(home, at)) sockets_.close(socket->id, code, reason);
}

void Relay::pause_reading(std::uint32_t home, RelayedSocket at, bool paused) {
  Socket* socket = table_.find(home, at);
  if (socket == nullptr) return;
  socket->paused = paused;
  read_on(*socket);
}

void Relay::signed_in(std::uint32_t home, RelayedSocket at) {
  if (const Socket* socket = table_.find(home, at)) sockets_.signed_in(socket->id);
}

void Relay::pass_on(std::uint32_t home, RelayedSocket at, const Passed& passed) {
  Socket* socket = table_.find(home, at);
  if (socket == nullptr) return;
  socket->coming_back = socket->given - passed.heard;
  socket->earlier = home;
  socket->sent = 0;
  socket->paused = false;
  give(*socket, passed.to);
  if (socket->home == kNowhere) return;
  tell(*socket, passed.frame);
  read_on(*socket);
}

void Relay::returned(RelayedSocket at, std::string_view frame) {
  Socket* socket = table_.find(at);
  if (socket == nullptr || socket->coming_back == 0) return;
  tell(*socket, frame);
  if (--socket->coming_back > 0) return;
  for (const std::string& held : std::exchange(socket->held, {})) tell(*socket, held);
  read_on(*socket);
}

}  // namespace kith::server
