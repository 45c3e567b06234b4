// PeerLinks connects the presence of one home with that of the others, by a lane to each.
#pragma once

#include <cstdint>
#include <vector>

#include "server/link/lane.h"
#include "server/presence/presence_peers.h"
#include "server/users/home.h"

namespace kith::server {

class PresenceService;

// On the loop of its home.
class PeerLinks : public PresencePeers {
 public:
  explicit PeerLinks(const Home& home) : home_(home), peers_(home.count) {}

  // The presence that hears the others; before the first connection. Null: there is none any more.
  void serve(PresenceService* presence) { presence_ = presence; }
  // From here on calls for the home `number` go to `there`, through `lane`; both outlive the connection. An earlier one
  // ends. The other side must have done the same before the first call arrives there.
  void connect(std::uint32_t number, PeerLinks& there, Lane& lane);
  // The home cannot be reached any more. Calls that are on their way from there must not arrive.
  void disconnect(std::uint32_t number);

  void watch(const UserId& target) override;
  void unwatch(const UserId& target) override;
  void sight(std::uint32_t home, const UserId& target, bool online) override;
  void typing(std::uint32_t home, const TypingNotice& notice) override;

 private:
  struct Peer {
    PeerLinks* there = nullptr;
    Lane* lane = nullptr;  // null: it cannot be reached
  };
  // Posts call(presence) to a home that can be reached.
  template <class Call>
  void post(std::uint32_t home, Call call);

  const Home home_;
  PresenceService* presence_ = nullptr;
  std::vector<Peer> peers_;  // by home
};

}  // namespace kith::server
