// ReceiptIntake: gathers what people have received and read into records of the log.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kith/core/limits.h"
#include "kith/core/scheduler.h"
#include "server/commands/pending_receipts.h"
#include "server/conversation/conversation_shard.h"
#include "server/conversation/pending_creations.h"
#include "server/delivery/event_pusher.h"
#include "server/requests/caller.h"
#include "server/requests/relations.h"
#include "server/requests/reply.h"
#include "src/guard.h"
#include "src/request_view.h"
#include "src/timer.h"

namespace kith::v1 {
class MarkRead;
}

namespace kith::server {

class ReceiptIntake {
 public:
  // All outlive this.
  ReceiptIntake(ConversationShard& shard, const PendingCreations& creations, Relations& relations,
                EventPusher& pusher, Scheduler& scheduler)
      : shard_(shard),
        creations_(creations),
        relations_(relations),
        pusher_(pusher),
        scheduler_(scheduler),
        timer_(scheduler, [this] {
          flush();
          flush_soon();
        }) {}

  // Nobody waits for an answer.
  void ack(const Caller& caller, const RequestView& request);
  void mark_read(const Caller& caller, const v1::MarkRead& request, const Reply& reply);

 private:
  void mark_member_read(const Caller& caller, const ConversationId& id, std::uint64_t upto,
                        const Reply& reply);
  void append_receipt(const Caller& caller, const ConversationId& id, const ReceiptOp& op,
                      Done<void> done);
  void log_receipt(const Caller& caller, const ConversationId& id, const ReceiptOp& op,
                   Done<void> done);
  void flush_soon();
  void flush();

  ConversationShard& shard_;
  const PendingCreations& creations_;
  Relations& relations_;
  EventPusher& pusher_;
  Scheduler& scheduler_;
  PendingReceipts pending_{limits::receipts_gathered_max};
  Timer timer_;
  std::size_t fresh_ = 0;  // gathered since the last flush
  std::size_t loads_ = 0;  // of conversations, under way
  Guard guard_;
};

}  // namespace kith::server
