// Outbox: the messages and groups that this device has promised to send.
//
// A row is durable before send() returns and leaves only when its event is in the cache, or when
// the user discards it. Rows of one conversation go out in their order, one batch in flight at a
// time; after any doubt a row is sent again under the same id, and the server recognises it. A
// refusal for good marks one row as failed; the rest goes on.
#pragma once

#include <vector>

#include "client/connection.h"
#include "client/model.h"
#include "client/outbox_refusals.h"
#include "client/outbox_rows.h"
#include "client/outbox_sender.h"
#include "client/placed_rows.h"
#include "client/row_ages.h"
#include "client/server_limits.h"

namespace kith::client {

class Outbox {
 public:
  using Hooks = PlacedRows::Hooks;

  Outbox(Model& model, Connection& connection, Scheduler& scheduler, Random& random, Hooks hooks);
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  void load(const std::vector<OutboxRow>& rows);
  [[nodiscard]] const OutboxRows& rows() const { return rows_; }
  [[nodiscard]] std::int64_t next_order() { return rows_.next_order(); }

  // Durable when it returns without an error.
  Status add(const OutboxRow& row);
  // Adds the rows that are not here; the others take these contents and orders. Durable when it returns without an
  // error; nothing is sent by it.
  Status put(const std::vector<OutboxRow>& rows);
  Status resend(const MessageId& id);
  Status discard(const MessageId& id) { return refusals_.discard(id); }
  // Their events are committed.
  void forget(const std::vector<MessageId>& ids) { rows_.forget(ids); }

  // See OutboxSender and PlacedRows.
  void open(const ServerLimits& limits) { sender_.open(limits); }
  void on_lost() { sender_.on_lost(); }
  void hold_back(Millis span) { sender_.hold_back(span); }
  void settle_placed() { placed_.settle(); }
  // The server that placed rows has another history now: they are sent again.
  void forget_places();

 private:
  Model& model_;
  OutboxRows rows_;
  RowAges ages_;
  OutboxRefusals refusals_;
  PlacedRows placed_;
  OutboxSender sender_;
};

}  // namespace kith::client
