// Typing: shows the members of a small conversation that one of them writes, those who may see them online.
#pragma once

#include <cstdint>

#include "kith/core/ids.h"
#include "server/conversation/conversations.h"
#include "server/delivery/fanout.h"
#include "server/presence/presence_peers.h"
#include "server/requests/caller.h"
#include "server/users/home.h"
#include "server/users/users.h"
#include "src/guard.h"

namespace kith::v1 {
class SetTyping;
}

namespace kith::server {

// Loop thread.
class Typing {
 public:
  // All outlive this. `peers`: null if there is one home.
  Typing(Users& users, Conversations& conversations, Fanout& fanout, const Home& home,
         PresencePeers* peers)
      : users_(users), conversations_(conversations), fanout_(fanout), home_(home), peers_(peers) {}

  void set(const Caller& caller, const v1::SetTyping& request);
  // The home of the typist says so.
  void heard(const TypingNotice& notice);

 private:
  void found(const Caller& caller, bool typing, const Conversation& conversation);
  // Pushes it to those members of this home who may see it.
  void show(const TypingNotice& notice, const UserRecord& typist);

  Users& users_;
  Conversations& conversations_;
  Fanout& fanout_;
  const Home home_;
  PresencePeers* const peers_;
  Guard guard_;
};

}  // namespace kith::server
