// GroupService: creates groups, changes their members and their titles.
#pragma once

#include <functional>
#include <vector>

#include "kith/core/scheduler.h"
#include "server/conversation/conversation_shard.h"
#include "server/conversation/pending_creations.h"
#include "server/requests/caller.h"
#include "server/requests/relations.h"
#include "server/requests/reply.h"
#include "src/guard.h"

namespace kith::v1 {
class CreateConversation;
class MemberChange;
class UpdateMeta;
}  // namespace kith::v1

namespace kith::server {

class GroupService {
 public:
  // All outlive this.
  GroupService(ConversationShard& shard, PendingCreations& creations, Relations& relations,
               Scheduler& scheduler)
      : shard_(shard), creations_(creations), relations_(relations), scheduler_(scheduler) {}

  void create(const Caller& caller, const v1::CreateConversation& request, const Reply& answer);
  void change_members(const Caller& caller, const v1::MemberChange& request, const Reply& reply);
  void change_meta(const Caller& caller, const v1::UpdateMeta& request, const Reply& reply);

 private:
  void with_member(const LogRecord& record, const Reply& reply,
                   std::function<void(const Conversation&, const Member&)> then);
  void append_if_willing(const Caller& caller, LogRecord record, std::vector<UserId> joining,
                         const Reply& reply);
  void answer_earlier_or(const LogRecord& record, const Error& error, const Reply& reply);
  void append_placed(LogRecord record, const Reply& reply);

  ConversationShard& shard_;
  PendingCreations& creations_;
  Relations& relations_;
  Scheduler& scheduler_;
  Guard guard_;
};

}  // namespace kith::server
