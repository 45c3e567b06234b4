// Departures: takes people whose accounts were deleted out of their groups, one after the other, and goes
// on with it after a restart.
#pragma once

#include <memory>

#include "kith/core/ids.h"
#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/directory.h"
#include "server/conversation/conversations.h"
#include "server/feed/user_feed.h"
#include "server/users/home.h"

namespace kith::server {

// Loop thread.
class Departures {
 public:
  // Takes care of the users of `home`, whose feeds are in `feed`. All outlive this.
  Departures(Directory& directory, UserFeed& feed, Conversations& conversations,
             Scheduler& scheduler, Random& random, const Home& home = {});
  ~Departures();

  // Goes on with what an earlier process has left, and with who has been removed since the last call.
  // Each group is left by a durable command of the user. When none is found twice, with a pause in
  // which an addition under way would have come, the directory is notified that the user has left.
  void look();

  [[nodiscard]] std::uint64_t groups_left() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::server
