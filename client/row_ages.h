// RowAges: how long rows of the outbox have waited, by two clocks of which either may have jumped.
#pragma once

#include <optional>

#include "client/model.h"
#include "client/outbox_rows.h"
#include "client/server_time.h"

namespace kith::client {

class RowAges {
 public:
  RowAges(Clock& clock, const ServerTime& server_time, Model& model, OutboxRows& rows)
      : clock_(clock), server_time_(server_time), model_(model), rows_(rows) {}

  // 0 as long as it is unknown.
  [[nodiscard]] Millis of(const OutboxRow& row) const;
  // The row begins to wait now.
  void renew(OutboxRow& row) const;
  // Rows of unknown age begin to age: the server has sent its time.
  void date_all();

 private:
  [[nodiscard]] std::optional<Millis> known(const OutboxRow& row) const;

  Clock& clock_;
  const ServerTime& server_time_;
  Model& model_;
  OutboxRows& rows_;
};

}  // namespace kith::client
