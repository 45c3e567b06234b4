// Conversations: the interface of all conversations for the rest of the server.
//
// They lie in partitions, and a partition may be on another loop: so every answer may come later, and a value that is
// answered belongs to the caller for the time of the call only.
#pragma once

#include <vector>

#include "kith/core/done.h"
#include "kith/core/ids.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/command_queue.h"

namespace kith::server {

class Conversations {
 public:
  virtual ~Conversations() = default;

  // Answers the conversation as of the last decided record, or null if it does not exist. Its members are at least the
  // row of `reader`, if there is one, and in a conversation of at most limits::receipt_detail_members_max members all
  // active ones. The pointer is valid during the call of `done`, which may come inside this call.
  virtual void with(const ConversationId& id, const UserId& reader,
                    Done<const Conversation*> done) = 0;
  // Answers events from memory and store, merged.
  virtual void events(const EventQuery& query, Done<std::vector<Event>> done) = 0;

  // Puts a command into the log of its conversation.
  virtual void append(LogRecord record, CommandAnswer answer) = 0;
  // The user's own state is about to change, and their other devices shall fetch it: puts a mark into the log, and
  // answers when it is durable and the user's feed has it.
  virtual void mark_user(const UserId& user, const DeviceId& device, Done<void> done) = 0;
};

}  // namespace kith::server
