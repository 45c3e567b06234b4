// Strangers: clients without an engine, some of which exceed the limits of the protocol. One person is greedy, on
// two devices and many connections; another one, of the same address, is modest.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/transport.h"
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/world.h"

namespace kith::sim {

class Strangers {
 public:
  Strangers(World& world, std::uint64_t seed);
  ~Strangers();

  // They come and ask between now and `until`, and are gone then.
  void plan(std::int64_t until);

 private:
  struct Visitor;
  void visit(Visitor& visitor, std::size_t requests);
  void leave(Visitor& visitor);

  World& world_;
  SeededRandom random_;
  std::vector<std::unique_ptr<Visitor>> visitors_;
};

}  // namespace kith::sim
