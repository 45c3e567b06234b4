// Requester is one session of a front door, as the dispatcher knows it. FrontDoor is where sessions come from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/requests/caller.h"
#include "server/requests/reply.h"

namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

class AccountBudget;
struct Requester;

class FrontDoor {
 public:
  virtual ~FrontDoor() = default;
  // Handles a request about the session itself (Ping, RenewToken, …), which has been paid for. Returns false if the
  // request is for a service; then the front door may have completed what only it knows of the session.
  virtual bool handle(Requester& who, v1::ClientFrame& frame, Reply& reply) = 0;
  // Where the answers to its requests go.
  [[nodiscard]] virtual const std::shared_ptr<ReplySink>& sink() const = 0;
};

// The front door owns it; it stays where it is as long as the session is open.
struct Requester {
  Caller caller;
  std::string address{};            // what limits by address count by: PeerInfo::group
  FrontDoor* door = nullptr;        // outlives it
  AccountBudget* budget = nullptr;  // of its account, from Dispatcher::open() to close()
  std::uint32_t unacked = 0;        // commands that wait for their answer
  Requester* next = nullptr;        // of the open ones of its account, as AccountLimits has them
};

}  // namespace kith::server
