// HistoryReader: events of a conversation, and the places of earlier commands, from memory and store
// merged.
#pragma once

#include <optional>
#include <vector>

#include "kith/server/ports/conversation_store.h"
#include "server/conversation/conversation_table.h"

namespace kith::server {

class HistoryReader {
 public:
  // Both outlive this.
  HistoryReader(const ConversationTable& table, ConversationStore& store)
      : table_(table), store_(store) {}

  // May answer inside the call.
  void events(const EventQuery& query, Done<std::vector<Event>> done);
  // The place of an earlier command; nullopt if it has none. May answer inside the call.
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<Placement>> done);

 private:
  const ConversationTable& table_;
  ConversationStore& store_;
};

}  // namespace kith::server
