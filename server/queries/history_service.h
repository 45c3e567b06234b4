// HistoryService: answers questions about one conversation: its events, its members, its readers.
#pragma once

#include <string_view>

#include "server/conversation/conversation_shard.h"
#include "server/conversation/pending_creations.h"
#include "server/requests/caller.h"
#include "server/requests/page_tokens.h"
#include "server/requests/reply.h"
#include "src/guard.h"

namespace kith::v1 {
class GetEvents;
class GetMembers;
class GetReaders;
}  // namespace kith::v1

namespace kith::server {

class HistoryService {
 public:
  // Both outlive this.
  HistoryService(ConversationShard& shard, const PendingCreations& creations)
      : shard_(shard), creations_(creations) {}

  // Page tokens are good for all that have the same secret. Before the first request.
  void set_secret(std::string_view secret) { page_tokens_ = PageTokens(secret); }
  void get_events(const Caller& caller, const v1::GetEvents& request, const Reply& reply);
  void get_members(const Caller& caller, const v1::GetMembers& request, const Reply& reply);
  void get_readers(const Caller& caller, const v1::GetReaders& request, const Reply& reply);

 private:
  ConversationShard& shard_;
  const PendingCreations& creations_;
  PageTokens page_tokens_{{}};
  Guard guard_;
};

}  // namespace kith::server
