// SendService: the messages of one SendBatch, from the request into the log, and their places back as
// one answer.
#pragma once

#include <cstddef>

#include "kith/core/scheduler.h"
#include "server/commands/blocks.h"
#include "server/commands/send_batches.h"
#include "server/conversation/conversation_shard.h"
#include "server/conversation/pending_creations.h"
#include "server/delivery/event_pusher.h"
#include "server/requests/caller.h"
#include "server/requests/relations.h"
#include "server/requests/reply.h"
#include "src/guard.h"
#include "src/request_view.h"

namespace kith::server {

class SendService {
 public:
  // All outlive this.
  SendService(ConversationShard& shard, PendingCreations& creations, Relations& relations,
              Blocks& blocks, EventPusher& pusher, Scheduler& scheduler)
      : shard_(shard),
        creations_(creations),
        relations_(relations),
        blocks_(blocks),
        pusher_(pusher),
        scheduler_(scheduler) {}

  void send(const Caller& caller, const RequestView& request, Reply&& reply);

 private:
  using Batch = SendBatches::Batch;
  void send_in(Batch& batch, const Conversation* c);
  void send_first(Batch& batch, const UserId& other);
  void create_direct(Batch& batch, const Consent& consent);
  void settle_block(Batch& batch, const UserId& other);
  void send_items(Batch& batch, std::size_t index);
  void answer_former(Batch& batch, std::size_t index, const Error& refused);
  void append_item(Batch& batch, std::size_t index);
  void item_decided(Batch& batch, std::size_t index, const Result<Outcome>& outcome);

  ConversationShard& shard_;
  PendingCreations& creations_;
  Relations& relations_;
  Blocks& blocks_;
  EventPusher& pusher_;
  Scheduler& scheduler_;
  SendBatches batches_;
  Guard guard_;
};

}  // namespace kith::server
