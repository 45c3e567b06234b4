// Conversations: the state computed from the command log, in memory, in front of the store that
// follows behind.
//
// A conversation is loaded once, changed only by decide() in log order, and may be evicted only
// when the store has applied everything that it knows. Reads merge what is not yet in the store.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "kith/core/ids.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/command_queue.h"
#include "server/records/roster.h"

namespace kith::server {

class Conversations {
 public:
  virtual ~Conversations() = default;

  // The conversation as of the last decided record; null if it does not exist. The pointer is valid
  // during the call of `done`. May answer inside the call.
  virtual void with(const ConversationId& id, Done<const Conversation*> done) = 0;
  // Returns the conversation if it is in memory, else null.
  virtual const Conversation* peek(const ConversationId& id) const = 0;
  // Events from memory and store, merged.
  virtual void events(const EventQuery& query, Done<std::vector<Event>> done) = 0;

  // Puts a command into the log of its conversation.
  virtual void append(LogRecord record, CommandAnswer answer) = 0;
  // The user's own state is about to change, and their other devices shall fetch it: puts a mark into the
  // log, and answers when it is durable and the user's feed has it.
  virtual void mark_user(const UserId& user, const DeviceId& device, Done<void> done) = 0;
};

}  // namespace kith::server
