// EventPusher: pushes new events to the people whom they concern, several in one push; in large groups
// to everybody who takes part, and to those who only listen as far as there are pushes to spare.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kith/core/limits.h"
#include "kith/core/scheduler.h"
#include "server/conversation/conversation_shard.h"
#include "server/delivery/deferred_push.h"
#include "server/delivery/fanout.h"
#include "server/delivery/large_audience.h"
#include "server/delivery/push.h"
#include "server/delivery/push_batch.h"
#include "server/requests/caller.h"
#include "src/guard.h"
#include "src/token_bucket.h"

namespace kith::server {

class EventPusher {
 public:
  // `large_pushes_per_s`: see ServerOptions. All others outlive this.
  EventPusher(ConversationShard& shard, Fanout& fanout, Scheduler& scheduler,
              std::uint32_t large_pushes_per_s);

  void session_opened(const Caller& caller) { large_.opened(caller); }
  void session_closed(const Caller& caller) { large_.closed(caller); }
  // The user's open sessions listen to these large groups.
  void listens(const UserId& user, const std::vector<ConversationId>& groups) {
    large_.enter(user, groups);
  }
  // The session takes part in the conversation: for a while it gets whole events, if it is large.
  void touch(const ConversationId& id, std::uint64_t session) {
    large_.touch(id, session, scheduler_.clock().steady_ms());
  }

  // A record was decided and changed something.
  void decided(const LogEntry& entry, const Outcome& outcome, const Conversation& conversation);
  // Pushes what has been gathered.
  void flush();

 private:
  void batch_events(const LogEntry& entry, const Outcome& outcome);
  void push_to_large(const LogEntry& entry, const Outcome& outcome,
                     const Conversation& conversation);
  void push_to_listeners(const Event& event, const std::vector<std::uint64_t>& listeners,
                         const Push& push);
  std::uint32_t take_pushes(const std::vector<std::uint64_t>& listeners, const std::string& frame);
  void push_deferred_after(const ConversationId& id, Millis wait);
  void push_deferred(const ConversationId& id);
  void push_head(const ConversationId& id, const std::vector<std::uint64_t>& listeners);

  ConversationShard& shard_;
  Fanout& fanout_;
  Scheduler& scheduler_;
  // The messages of one SendBatch leave in one push, when the last of them is decided.
  PushBatch batch_;
  LargeAudience large_;
  const bool spare_pushes_;         // there are any for those who only listen
  const BucketRate listener_rate_;  // how many
  TokenBucket listener_pushes_;
  std::map<ConversationId, std::unique_ptr<DeferredPush>> deferred_;
  Guard guard_;
};

}  // namespace kith::server
