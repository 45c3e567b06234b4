// ConversationRequests: routes what a session asks about conversations to the service that answers it.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "kith/core/limits.h"
#include "server/commands/blocks.h"
#include "server/commands/group_service.h"
#include "server/commands/receipt_intake.h"
#include "server/commands/send_service.h"
#include "server/conversation/conversation_shard.h"
#include "server/conversation/pending_creations.h"
#include "server/delivery/event_pusher.h"
#include "server/delivery/receipt_pusher.h"
#include "server/queries/history_service.h"

namespace kith::v1 {
class ClientFrame;
}

namespace kith::server {

class ConversationRequests {
 public:
  // `large_pushes_per_s`: see ServerOptions. All others outlive this.
  ConversationRequests(ConversationShard& shard, Relations& relations, Fanout& fanout,
                       Scheduler& scheduler,
                       std::uint32_t large_pushes_per_s = limits::large_pushes_per_s);
  ~ConversationRequests();

  // Page tokens are good for all that have the same secret. Before the first request.
  void set_secret(std::string_view secret) { history_.set_secret(secret); }
  Blocks& blocks() { return blocks_; }

  EventPusher& events() { return events_; }

  // Whether the body is about conversations.
  static bool knows(const v1::ClientFrame& frame);
  // Returns false if it is not; then frame and reply are untouched. Both may be moved from otherwise. The frame has
  // passed validate(), and `caller.receipts` is true to the caller's settings.
  bool handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply);
  bool handle(const Caller& caller, const v1::ClientFrame& frame, const Reply& reply);
  void handle(const Caller& caller, const RequestView& request, Reply&& reply);

 private:
  ConversationShard& shard_;
  PendingCreations creations_;
  EventPusher events_;
  ReceiptPusher receipt_pusher_;
  Blocks blocks_;
  SendService sends_;
  GroupService groups_;
  ReceiptIntake receipts_;
  HistoryService history_;
};

}  // namespace kith::server
