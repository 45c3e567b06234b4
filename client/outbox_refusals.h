// OutboxRefusals: rows that the server refuses for good: they stay, failed, until the user sends them again or discards
// them.
#pragma once

#include "client/model.h"
#include "client/outbox_rows.h"
#include "client/row_ages.h"

namespace kith::client {

// The event for a row that makes a group and has failed.
GroupRefused refused_group(const OutboxRow& create);
// True if the error speaks of the row, and for good. An error that ends the session does not.
bool refused_for_good(const Error& error);

class OutboxRefusals {
 public:
  OutboxRefusals(Model& model, OutboxRows& rows, const RowAges& ages)
      : model_(model), rows_(rows), ages_(ages) {}

  // Marks the row; with a group all that waits for it fails.
  void fail(OutboxRow& row, const Error& error);
  // A failed row, or a group with all that waits for it, waits for the server again.
  Status resend(const MessageId& id);
  Status discard(const MessageId& id);

 private:
  void refuse_group(const OutboxRow& create, const Error& error);
  // By value: a caller's may be part of a row that goes.
  Status resend_group(ConversationId id);
  Status discard_group(ConversationId id);
  void emit_messages(const OutboxRows::Queue& rows);

  Model& model_;
  OutboxRows& rows_;
  const RowAges& ages_;
};

}  // namespace kith::client
