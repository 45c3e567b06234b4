// Peers: the connections of the homes with each other, by which presence crosses.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "server/presence/peer_links.h"
#include "tests/simulation/cluster/wire.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class Peers {
 public:
  // Before the start of the homes; `world` outlives this.
  Peers(World& world, std::uint64_t seed);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  void plan(std::int64_t until);
  void stop() { calm_ = true; }

 private:
  // A process of a home.
  struct Side {
    std::unique_ptr<server::PeerLinks> links;
    std::uint64_t starts = 0;
  };
  // A connection of two homes, the lower number first.
  struct Pair {
    std::shared_ptr<Wire> to_first, to_second;
    std::uint64_t first_starts = 0, second_starts = 0;
  };
  using Numbers = std::pair<std::uint32_t, std::uint32_t>;

  void look_after(Numbers pair);
  void connect(Numbers pair);
  // Everything on its way is lost, and both sides notice in their own time.
  void cut(Numbers pair);
  void notice(std::uint32_t at, std::uint32_t lost, std::uint64_t starts);

  World& world_;
  SeededRandom random_;
  SeededRandom wire_random_;
  WireDelays delays_;
  std::vector<Side> sides_;        // by home
  std::map<Numbers, Pair> pairs_;  // those that are connected
  bool calm_ = false;
};

}  // namespace kith::sim
