// Calls between the presences of homes.
#include "server/presence/peer_links.h"

#include <utility>

#include "server/presence/presence_service.h"

namespace kith::server {

template <class Call>
void PeerLinks::post(std::uint32_t home, Call call) {
  const Peer& peer = peers_.at(home);
  if (peer.lane == nullptr) return;
  peer.lane->post([there = peer.there, call = std::move(call)] {
    if (there->presence_ != nullptr) call(*there->presence_);
  });
}

void PeerLinks::connect(std::uint32_t number, PeerLinks& there, Lane& lane) {
  disconnect(number);
  peers_.at(number) = {&there, &lane};
  if (presence_ != nullptr) presence_->peer_connected(number);
}

void PeerLinks::disconnect(std::uint32_t number) {
  peers_.at(number) = {};
  if (presence_ != nullptr) presence_->peer_lost(number);
}

void PeerLinks::watch(const UserId& target) {
  post(home_.of(target),
       [by = home_.number, target](PresenceService& presence) { presence.watched(by, target); });
}

void PeerLinks::unwatch(const UserId& target) {
  post(home_.of(target),
       [by = home_.number, target](PresenceService& presence) { presence.unwatched(by, target); });
}

void PeerLinks::sight(std::uint32_t home, const UserId& target, bool online) {
  post(home, [target, online](PresenceService& presence) { presence.sighted(target, online); });
}

void PeerLinks::typing(std::uint32_t home, const TypingNotice& notice) {
  post(home, [notice](PresenceService& presence) { presence.typed(notice); });
}

}  // namespace kith::server
