// LostMessages: own messages that a server may have lost when it was restored from a copy; they are sent again.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "client/model.h"
#include "client/outbox.h"
#include "client/server_time.h"

namespace kith::client {

class LostMessages {
 public:
  LostMessages(Model& model, Outbox& outbox, const ServerTime& server_time)
      : model_(model), outbox_(outbox), server_time_(server_time) {}

  // Messages of this device's owner that the server may have lost go back to the outbox under their ids: what it still
  // has it recognises, and what it has lost is placed anew. They go ahead of what waits, which may answer them.
  // `kept_until_ms`: up to this time of the server the two histories are the same.
  Status send_again(std::int64_t kept_until_ms);

 private:
  Result<std::vector<OutboxRow>> rows(std::int64_t kept_until_ms);
  std::optional<OutboxRow> row_of(const ConversationRecord& record, const StoredEvent& stored,
                                  std::int64_t from_ms);
  bool mend_answer(OutboxRow& row, const std::set<MessageId>& ahead, std::int64_t kept_until_ms);

  Model& model_;
  Outbox& outbox_;
  const ServerTime& server_time_;
};

}  // namespace kith::client
