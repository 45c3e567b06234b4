// PresencePeers are the presence services of the other homes, as one of them sees them. Calls for a home that cannot
// be reached are lost; PresenceService::peer_connected() makes them again.
#pragma once

#include <cstdint>
#include <vector>

#include "kith/core/ids.h"

namespace kith::server {

// Somebody writes, or has stopped: for those members of the conversation who are of one home.
struct TypingNotice {
  ConversationId conversation;
  UserId typist;
  bool typing = false;
  std::vector<UserId> members;
};

class PresencePeers {
 public:
  virtual ~PresencePeers() = default;
  // Asks the home of `target` for sight() of them, now and at each change, until unwatch().
  virtual void watch(const UserId& target) = 0;
  virtual void unwatch(const UserId& target) = 0;
  // Notifies a home that watches: `target` is online or not, or something has changed in what they show.
  virtual void sight(std::uint32_t home, const UserId& target, bool online) = 0;
  virtual void typing(std::uint32_t home, const TypingNotice& notice) = 0;
};

}  // namespace kith::server
