// PendingCreations: groups whose members are being asked for consent, before the log knows of them.
// Requests of their creators wait meanwhile, as if the group existed.
#pragma once

#include <functional>
#include <memory>

#include "kith/core/ids.h"
#include "kith/core/scheduler.h"
#include "server/requests/reply.h"

namespace kith::server {

class PendingCreations {
 public:
  explicit PendingCreations(Scheduler& scheduler);
  ~PendingCreations();

  // Returns the reply to answer the creation with: it is over when that is answered or gone.
  Reply begin(const ConversationId& id, const UserId& creator, Reply reply);
  [[nodiscard]] bool pending(const ConversationId& id, const UserId& creator) const;
  // Runs `then` on the loop when the creation is over, in the order of the calls. False, and nothing more,
  // if none is under way or too much waits for it already.
  bool defer(const ConversationId& id, const UserId& creator, std::function<void()> then);

 private:
  class Sink;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith::server
