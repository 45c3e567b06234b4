// Entrance: the way by which devices come to a process of the simulated server.
#pragma once

#include "server/gateway/listener.h"
#include "tests/simulation/virtual_time.h"

namespace kith::sim {

class Entrance : public server::Connections {
 public:
  // The process is there, and hears of connections.
  virtual void listen(server::ConnectionHandler& handler, Node& node) = 0;
  // It ends: frames that the kernel has taken may still arrive, no others.
  virtual void server_died() = 0;
};

}  // namespace kith::sim
