// OutboxRows: the messages and new groups that wait to be sent, each conversation's in their order.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "client/cache_store.h"

namespace kith::client {

// In memory alone; whoever changes a row commits it first.
class OutboxRows {
 public:
  using Queue = std::deque<OutboxRow>;  // never empty

  // `emptied`: the last row of the conversation has gone.
  explicit OutboxRows(std::function<void(const ConversationId&)> emptied)
      : emptied_(std::move(emptied)) {}

  void add(const OutboxRow& row);
  void forget(const std::vector<MessageId>& ids);
  void sort();  // by OutboxRow::order

  [[nodiscard]] std::map<ConversationId, Queue>& queues() { return queues_; }
  [[nodiscard]] const std::map<ConversationId, Queue>& queues() const { return queues_; }
  // Null: there is none.
  Queue* queue(const ConversationId& id);
  OutboxRow* find(const ConversationId& id, const MessageId& message);
  OutboxRow* find(const MessageId& message);

  [[nodiscard]] bool idle() const;  // nothing is waiting for the server
  [[nodiscard]] bool has(const ConversationId& id) const { return queues_.count(id) > 0; }
  [[nodiscard]] std::vector<OutboxRow> all() const;
  [[nodiscard]] std::vector<OutboxRow> of(const ConversationId& id) const;
  // The newest message of the conversation that is here, or null.
  [[nodiscard]] const OutboxRow* newest(const ConversationId& id) const;
  // The message that waits here, or null.
  [[nodiscard]] const OutboxRow* message(const ConversationId& id, const MessageId& message) const;
  [[nodiscard]] std::size_t count() const { return count_; }
  // How many more are taken.
  [[nodiscard]] std::size_t room() const;
  [[nodiscard]] std::int64_t next_order() { return ++last_order_; }

 private:
  const std::function<void(const ConversationId&)> emptied_;
  std::map<ConversationId, Queue> queues_;
  std::size_t count_ = 0;
  std::int64_t last_order_ = 0;
};

}  // namespace kith::client
