// PresenceService pushes presence and typing, only to users who may see them. Only the time last seen is stored.
//
// Where users have several homes, the home of the one who is watched knows their state (OnlinePeople), and the home of
// the viewer what the viewer has been shown (WatchingSessions); homes speak to each other through PresencePeers.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "kith/core/ids.h"
#include "kith/core/scheduler.h"
#include "server/conversation/conversations.h"
#include "server/delivery/fanout.h"
#include "server/presence/online_people.h"
#include "server/presence/presence_peers.h"
#include "server/presence/typing.h"
#include "server/presence/watching_sessions.h"
#include "server/requests/caller.h"
#include "server/users/home.h"
#include "server/users/users.h"

namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

// Loop thread.
class PresenceService {
 public:
  // All outlive this. `peers`: null if `home` is the only one.
  PresenceService(Users& users, Conversations& conversations, Fanout& fanout, Scheduler& scheduler,
                  std::chrono::milliseconds grace, const Home& home = {},
                  PresencePeers* peers = nullptr);

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
  void freeze() { people_.freeze(); }

  // --- what other homes say ---
  void watched(std::uint32_t by, const UserId& target);
  void unwatched(std::uint32_t by, const UserId& target) { people_.unwatched(target, by); }
  void sighted(const UserId& target, bool online);
  void typed(const TypingNotice& notice) { typing_.heard(notice); }
  // The home can be reached, maybe in another process: asks it again for everybody who is watched there. Viewers
  // keep the last state until it has answered.
  void peer_connected(std::uint32_t home);
  // It cannot: it asks again for everybody whom it watches when it can.
  void peer_lost(std::uint32_t home) { people_.forget_home(home); }

 private:
  // The target's state is another one, or may be seen by others now.
  void changed(const UserId& target);
  void watch(const UserId& target, bool watched);
  [[nodiscard]] std::optional<bool> online(const UserId& target) const;

  const Home home_;
  PresencePeers* const peers_;
  OnlinePeople people_;
  WatchingSessions watching_;
  Typing typing_;
  std::unordered_map<UserId, bool> sights_;  // of watched users of other homes
};

}  // namespace kith::server
