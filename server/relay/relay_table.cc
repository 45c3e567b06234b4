// Places of sockets.
#include "server/relay/relay_table.h"

namespace kith::server {

RelayTable::Socket& RelayTable::add(ConnectionId id, const PeerInfo& peer) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(sockets_.size()));
    sockets_.emplace_back();
  }
  const std::uint32_t place = free_.back();
  free_.pop_back();
  if (id.shard >= places_.size()) places_.resize(id.shard + 1);
  auto& of_shard = places_[id.shard];
  if (id.index >= of_shard.size()) of_shard.resize(id.index + 1, kNowhere);
  of_shard[id.index] = place;
  if (++opened_ == 0) ++opened_;
  Socket& socket = sockets_[place];
  socket.id = id;
  socket.name = {place, opened_};
  socket.peer = peer;
  return socket;
}

void RelayTable::erase(const Socket& socket) {
  const std::uint32_t place = socket.name.place;
  places_[socket.id.shard][socket.id.index] = kNowhere;
  free_.push_back(place);
  sockets_[place] = {};
}

RelayTable::Socket* RelayTable::find(RelayedSocket name) {
  const bool known =
      name.generation != 0 && name.place < sockets_.size() && sockets_[name.place].name == name;
  return known ? &sockets_[name.place] : nullptr;
}

RelayTable::Socket* RelayTable::find(ConnectionId id) {
  if (id.shard >= places_.size() || id.index >= places_[id.shard].size()) return nullptr;
  const std::uint32_t place = places_[id.shard][id.index];
  return place != kNowhere && sockets_[place].id == id ? &sockets_[place] : nullptr;
}

}  // namespace kith::server
