// PartitionRequests: gives each request about conversations to the partition that has them.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "server/conversation/partitioned_conversations.h"
#include "server/dispatch/conversation_requests.h"

namespace kith::server {

// Loop thread.
class PartitionRequests {
 public:
  // The next partition, in their order.
  void add(std::unique_ptr<ConversationRequests> requests) {
    partitions_.push_back(std::move(requests));
  }

  // Page tokens are good for all that have the same secret. Before the first request.
  void set_secret(std::string_view secret);
  void on_cold_heads(const ReceiptIntake::ColdHeads& cold);

  void session_opened(const Caller& caller);
  void session_closed(const Caller& caller);
  // See Blocks.
  void set_block(const UserId& by, const UserId& other, bool on, Done<void> done);
  void forget_blocks();

  // As those of ConversationRequests.
  bool handle(const Caller& caller, v1::ClientFrame&& frame, Reply&& reply);
  void handle(const Caller& caller, const RequestView& request, Reply&& reply);

 private:
  ConversationRequests& of(std::string_view conversation_id);
  void acknowledge(const Caller& caller, const RequestView& request);

  std::vector<std::unique_ptr<ConversationRequests>> partitions_;
};

}  // namespace kith::server
