// ReadMarks: how far the user has read, durable here until the server knows it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "client/connection.h"
#include "client/model.h"
#include "kith/core/scheduler.h"
#include "src/guard.h"

namespace kith::client {

class ReadMarks {
 public:
  ReadMarks(Model& model, Connection& connection, Scheduler& scheduler)
      : model_(model), connection_(connection), scheduler_(scheduler) {}

  void load(const std::map<ConversationId, std::uint64_t>& waiting) { waiting_ = waiting; }
  // Everything of the conversation up to `upto` (0 = newest) is read. Durable.
  Status mark(const ConversationId& id, Seq upto);
  [[nodiscard]] std::vector<ConversationId> waiting() const;
  void clear() { waiting_.clear(); }

  // Lets marks out: the server's history is the one that they speak of.
  void open();
  void close() { open_ = false; }

 private:
  void send(const ConversationId& id);

  Model& model_;
  Connection& connection_;
  Scheduler& scheduler_;
  bool open_ = false;
  std::map<ConversationId, std::uint64_t> waiting_;
  Guard guard_;
};

}  // namespace kith::client
