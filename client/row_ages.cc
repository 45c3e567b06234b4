// RowAges: what two clocks agree on.
#include "client/row_ages.h"

#include <algorithm>
#include <vector>

#include "kith/core/limits.h"

namespace kith::client {

// Both clocks may have jumped since: the row is as old as they say if they agree, as they do when time
// has passed. A row that was written without a connection begins to age when the server first tells its
// time; it may have waited for so long before.
std::optional<Millis> RowAges::known(const OutboxRow& row) const {
  if (row.server_ms == 0) return std::nullopt;
  const Millis claimed(clock_.wall().ms - row.created_ms);
  const Millis told(server_time_.told_ms() - row.server_ms);
  const Millis apart = claimed < told ? told - claimed : claimed - told;
  if (apart > limits::outbox_item_life) return std::nullopt;
  return std::min(claimed, told);
}

Millis RowAges::of(const OutboxRow& row) const {
  return known(row).value_or(Millis{0});
}

void RowAges::renew(OutboxRow& row) const {
  row.created_ms = clock_.wall().ms;
  row.server_ms = server_time_.told_ms();
}

// From here on the server's clock counts, too, and this device's from now on if it was set meanwhile.
// The next Welcome dates what cannot be written now.
void RowAges::date_all() {
  if (server_time_.told_ms() == 0) return;
  const std::int64_t now = clock_.wall().ms;
  CacheChange change;
  std::vector<OutboxRow*> rows;
  for (auto& [id, queue] : rows_.queues()) {
    for (OutboxRow& row : queue) {
      if (known(row)) continue;
      rows.push_back(&row);
      OutboxRow& dated = change.outbox_put.emplace_back(row);
      const Millis claimed(now - row.created_ms);
      if (claimed < Millis{0} || claimed > limits::outbox_item_life) dated.created_ms = now;
      dated.server_ms = server_time_.told_ms();
    }
  }
  if (rows.empty() || !model_.store().commit(change)) return;
  for (std::size_t i = 0; i < rows.size(); ++i) *rows[i] = change.outbox_put[i];
}

}  // namespace kith::client
