// Homes find each other again.
#include "tests/simulation/cluster/peers.h"

#include <string>

namespace kith::sim {

Peers::Peers(World& world, std::uint64_t seed)
    : world_(world),
      random_(seed, 58),
      wire_random_(seed, 59),
      delays_{&wire_random_, 3},
      sides_(world.servers().size()) {
  const auto count = static_cast<std::uint32_t>(sides_.size());
  if (count == 1) return;
  for (std::uint32_t i = 0; i < count; ++i) {
    ServerNode::Peers& peers = world_.servers()[i]->peers;
    peers.make = [this, i, count]() -> server::PresencePeers* {
      sides_[i] = {std::make_unique<server::PeerLinks>(server::Home{i, count}),
                   world_.servers()[i]->starts()};
      return sides_[i].links.get();
    };
    peers.begun = [this, i](server::PresenceService& presence) {
      sides_[i].links->serve(&presence);
    };
    peers.died = [this, i] {
      if (sides_[i].links) sides_[i].links->serve(nullptr);
      for (auto it = pairs_.begin(); it != pairs_.end();) {
        const Numbers pair = (it++)->first;
        if (pair.first == i || pair.second == i) cut(pair);
      }
    };
    for (std::uint32_t other = 0; other < i; ++other) look_after({other, i});
  }
}

Peers::~Peers() {
  for (const auto& server : world_.servers()) {
    if (server->running()) server->crash();
    server->peers = {};
  }
}

void Peers::look_after(Numbers pair) {
  const bool rests = calm_ && pairs_.contains(pair);
  world_.at(world_.now() + (rests ? 2'000 : random_.between(20, 500)), [this, pair] {
    const bool both =
        world_.servers()[pair.first]->running() && world_.servers()[pair.second]->running();
    if (both && !pairs_.contains(pair)) connect(pair);
    look_after(pair);
  });
}

void Peers::connect(Numbers numbers) {
  ServerNode& first = *world_.servers()[numbers.first];
  ServerNode& second = *world_.servers()[numbers.second];
  Pair& pair = pairs_[numbers];
  pair = {std::make_shared<Wire>(first.node(), delays_),
          std::make_shared<Wire>(second.node(), delays_), first.starts(), second.starts()};
  world_.trace().line("home " + std::to_string(numbers.second),
                      "connects to home " + std::to_string(numbers.first));
  server::PeerLinks& here = *sides_[numbers.first].links;
  server::PeerLinks& there = *sides_[numbers.second].links;
  // Each hears of the connection before the first call of the other.
  pair.to_first->post([&here, &there, number = numbers.second, lane = pair.to_second] {
    here.connect(number, there, *lane);
  });
  pair.to_second->post([&here, &there, number = numbers.first, lane = pair.to_first] {
    there.connect(number, here, *lane);
  });
}

void Peers::cut(Numbers numbers) {
  const auto known = pairs_.find(numbers);
  if (known == pairs_.end()) return;
  const Pair pair = known->second;
  pair.to_first->cut();
  pair.to_second->cut();
  pairs_.erase(known);
  // Their wires are needed until they have noticed.
  notice(numbers.first, numbers.second, pair.first_starts);
  notice(numbers.second, numbers.first, pair.second_starts);
}

void Peers::notice(std::uint32_t at, std::uint32_t lost, std::uint64_t starts) {
  ServerNode& there = *world_.servers()[at];
  if (!there.running() || there.starts() != starts) return;
  sides_[at].links->disconnect(lost);
}

void Peers::plan(std::int64_t until) {
  if (sides_.size() == 1 || random_.chance(0.5)) return;
  for (std::int64_t i = random_.between(1, 4); i > 0; --i) {
    world_.at(random_.between(0, until), [this] {
      if (calm_ || pairs_.empty()) return;
      const Numbers pair = pairs_.begin()->first;
      world_.trace().line("fault", "homes lose each other");
      cut(pair);
    });
  }
}

}  // namespace kith::sim
