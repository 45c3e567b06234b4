// Presence and typing: pushed only to users who may see them. Only the time last seen is stored.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "kith/core/ids.h"
#include "kith/core/scheduler.h"
#include "server/conversation/conversations.h"
#include "server/delivery/fanout.h"
#include "server/requests/caller.h"
#include "server/users/users.h"

namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

// Loop thread.
class PresenceService {
 public:
  PresenceService(Users& users, Conversations& conversations, Fanout& fanout, Scheduler& scheduler,
                  std::chrono::milliseconds grace);
  ~PresenceService();

  // SetTyping and PresenceSubscribe; false for anything else.
  bool handle(const Caller& caller, const v1::ClientFrame& frame);

  void session_opened(const Caller& caller, bool active);
  void session_closed(const Caller& caller);
  // An inactive session does not make its user online, and gets the latest states when it becomes
  // active again.
  void session_active(const Caller& caller, bool active);
  // Settings, contacts or blocks of the user changed: pushes the new view to all watchers.
  void user_changed(const UserId& user);
  // The server is going away: pushes no OFFLINE any more.
  void freeze();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::server
