// FeedBell: tells a user's devices that one of them has read in a conversation, so that the others clear
// its badge.
#pragma once

#include "server/delivery/fanout.h"
#include "server/feed/user_feed.h"

namespace kith::server {

class FeedBell {
 public:
  // `fanout` outlives this.
  explicit FeedBell(Fanout& fanout) : fanout_(fanout) {}

  // Pushes a FeedNotice to all sessions of the user.
  void ring(const FeedRing& ring);

 private:
  Fanout& fanout_;
};

}  // namespace kith::server
