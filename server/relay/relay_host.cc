// Sockets of a relay at a home.
#include "server/relay/relay_host.h"

#include <utility>

#include "server/relay/relay.h"

namespace kith::server {

template <class Call>
void RelayHost::post(Call call) {
  if (relay_ == nullptr) return;
  lane_->post([relay = relay_, home = home_, number = number_, call = std::move(call)]() mutable {
    if (relay->is_current(home, number)) call(*relay, home);
  });
}

// --- the connection to the relay ---

void RelayHost::connected(Relay& relay, std::uint32_t home, std::uint64_t number, Lane& lane) {
  disconnected();
  relay_ = &relay;
  lane_ = &lane;
  home_ = home;
  number_ = number;
}

void RelayHost::disconnected() {
  if (std::exchange(relay_, nullptr) == nullptr) return;
  const std::vector<Open> ended = std::exchange(table_, {});
  for (std::uint32_t place = 0; place < ended.size(); ++place) {
    if (ended[place].generation == 0) continue;
    handler_.on_close(id_of({place, ended[place].generation}));
  }
}

// --- calls of the relay ---

void RelayHost::opened(std::uint64_t number, RelayedSocket at, const PeerInfo& peer) {
  if (relay_ == nullptr || number != number_) return;
  if (at.place >= table_.size()) table_.resize(at.place + 1);
  table_[at.place] = {at.generation};
  handler_.on_open(id_of(at), peer);
}

void RelayHost::message(std::uint64_t number, RelayedSocket at, std::string_view message) {
  if (relay_ == nullptr || number != number_) return;
  if (Open* open = find(at)) {
    ++open->heard;
    return handler_.on_message(id_of(at), message);
  }
  // It came behind one with which the connection was passed on.
  post([at, frame = std::string(message)](Relay& relay, std::uint32_t) {
    relay.returned(at, frame);
  });
}

void RelayHost::taken(std::uint64_t number, const std::vector<TakenBytes>& all) {
  if (relay_ == nullptr || number != number_) return;
  for (const TakenBytes& one : all) {
    Open* open = find(one.socket);
    if (open == nullptr) continue;
    open->buffered -= one.bytes;
    if (open->buffered == 0) handler_.on_drained(id_of(one.socket));
  }
}

void RelayHost::closed(std::uint64_t number, RelayedSocket at) {
  if (relay_ == nullptr || number != number_ || find(at) == nullptr) return;
  table_[at.place] = {};
  handler_.on_close(id_of(at));
}

// --- calls of the home ---

void RelayHost::send(ConnectionId id, std::string_view message) {
  Open* open = find(id);
  if (open == nullptr || open->closing) return;
  open->buffered += message.size();
  post([at = RelayedSocket{id.index, id.generation}, frame = std::string(message)](
           Relay& relay, std::uint32_t home) { relay.send(home, at, frame); });
}

std::size_t RelayHost::buffered(ConnectionId id) const {
  const Open* open = find(id);
  return open == nullptr ? 0 : open->buffered;
}

void RelayHost::close(ConnectionId id, std::uint16_t code, std::string_view reason) {
  Open* open = find(id);
  if (open == nullptr || std::exchange(open->closing, true)) return;
  post([at = RelayedSocket{id.index, id.generation}, code, why = std::string(reason)](
           Relay& relay, std::uint32_t home) { relay.close(home, at, code, why); });
}

void RelayHost::pause_reading(ConnectionId id, bool paused) {
  if (find(id) == nullptr) return;
  post([at = RelayedSocket{id.index, id.generation}, paused](Relay& relay, std::uint32_t home) {
    relay.pause_reading(home, at, paused);
  });
}

void RelayHost::signed_in(ConnectionId id) {
  if (find(id) == nullptr) return;
  post([at = RelayedSocket{id.index, id.generation}](Relay& relay, std::uint32_t home) {
    relay.signed_in(home, at);
  });
}

void RelayHost::pass_on(ConnectionId id, std::uint32_t home, std::string_view frame) {
  const Open* open = find(id);
  if (open == nullptr || open->closing) return;
  post([at = RelayedSocket{id.index, id.generation},
        passed = Relay::Passed{home, std::string(frame), open->heard}](
           Relay& relay, std::uint32_t from) { relay.pass_on(from, at, passed); });
  table_[id.index] = {};
}

const RelayHost::Open* RelayHost::find(ConnectionId id) const {
  const bool known = id.generation != 0 && id.index < table_.size() &&
                     table_[id.index].generation == id.generation;
  return known ? &table_[id.index] : nullptr;
}

RelayHost::Open* RelayHost::find(ConnectionId id) {
  return const_cast<Open*>(std::as_const(*this).find(id));
}

RelayHost::Open* RelayHost::find(RelayedSocket at) {
  return find(id_of(at));
}

// --- all relays ---

RelayHost& RelayedConnections::add() {
  hosts_.push_back(
      std::make_unique<RelayHost>(static_cast<std::uint32_t>(hosts_.size()), *handler_));
  return *hosts_.back();
}

}  // namespace kith::server
