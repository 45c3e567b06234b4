// ReceiptPusher: pushes what others have received and read: at once after a pause, and within a pause
// when it is over.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>

#include "kith/core/limits.h"
#include "kith/core/scheduler.h"
#include "server/conversation/conversation_shard.h"
#include "server/delivery/fanout.h"
#include "server/delivery/frame_buffer.h"
#include "server/delivery/push.h"
#include "src/id_map.h"

namespace kith::server {

class ReceiptPusher {
 public:
  // All outlive this.
  ReceiptPusher(ConversationShard& shard, Fanout& fanout, Scheduler& scheduler)
      : shard_(shard), fanout_(fanout), scheduler_(scheduler) {}
  ~ReceiptPusher();

  // A record was decided and changed something.
  void decided(const LogEntry& entry, const Outcome& outcome, const Conversation& conversation);

 private:
  // The pause of a conversation whose receipts were pushed a moment ago.
  struct Cooldown {
    bool moved = false;  // again, since then
    UserId mover;        // by this person only; empty: by several
    UserId unnotified;   // the person who moved them then, and got no push
  };
  // Ends of cooldowns, in order of time: one timer for all pauses of the same length.
  struct CooldownQueue {
    Millis pause;
    std::deque<std::pair<std::int64_t, ConversationId>> ends;
    Scheduler::TimerId timer = 0;  // looks at it
  };
  void push_soon(const Conversation& conversation, const UserId& mover);
  void push(const ConversationId& id, const UserId& mover);
  Push receipt_push(const Head& head);
  std::shared_ptr<const std::string> receipt_frame(const Head& head, bool reads);
  void begin_cooldown(const ConversationId& id, std::size_t kind);
  void arm(std::size_t kind);
  void end_cooldowns(std::size_t kind, std::size_t most);

  ConversationShard& shard_;
  Fanout& fanout_;
  Scheduler& scheduler_;
  IdMap<ConversationId, Cooldown> cooldowns_;
  std::array<CooldownQueue, 2> cooldown_queues_{
      CooldownQueue{Millis(limits::receipt_coalesce_direct), {}, 0},
      CooldownQueue{Millis(limits::receipt_coalesce_group), {}, 0}};
  std::array<FrameBuffer, 2> frames_;  // without what others have read, and with it
};

}  // namespace kith::server
