// SendService: the messages of one SendBatch, from the request into the log, and their places back as
// one answer.
#pragma once

#include <cstddef>
#include <memory>

#include "kith/core/scheduler.h"
#include "server/commands/lookup_costs.h"
#include "server/commands/send_batches.h"
#include "server/conversation/conversation_shard.h"
#include "server/delivery/event_pusher.h"
#include "server/requests/caller.h"
#include "server/requests/reply.h"
#include "server/users/users.h"
#include "src/request_view.h"

namespace kith::server {

class SendService {
 public:
  // All outlive this.
  SendService(ConversationShard& shard, Users& users, const LookupCosts& lookups,
              EventPusher& pusher, Scheduler& scheduler)
      : shard_(shard), users_(users), lookups_(lookups), pusher_(pusher), scheduler_(scheduler) {}
  ~SendService() { *alive_ = false; }

  void send(const Caller& caller, const RequestView& request, Reply&& reply);

 private:
  using Batch = SendBatches::Batch;
  void send_from(Batch& batch, const UserRecord* me);
  void send_in(Batch& batch, const Conversation* c);
  void send_direct(Batch& batch, bool create_first, const UserRecord& other);
  void send_items(Batch& batch, std::size_t index);
  void answer_former(Batch& batch, std::size_t index, const Error& refused);
  void append_item(Batch& batch, std::size_t index);
  void item_decided(Batch& batch, std::size_t index, const Result<Outcome>& outcome);

  ConversationShard& shard_;
  Users& users_;
  const LookupCosts& lookups_;
  EventPusher& pusher_;
  Scheduler& scheduler_;
  SendBatches batches_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
