// PlacedRows: rows that the server has placed become events; they leave the outbox with the commit of those.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "client/model.h"
#include "client/outbox_rows.h"
#include "kith/v1/event.pb.h"

namespace kith::v1 {
class Placed;
}  // namespace kith::v1

namespace kith::client {

class PlacedRows {
 public:
  struct Hooks {
    std::function<void(const std::vector<v1::Event>&)> placed;  // the events that rows have become
    // The event that a row has become is to be fetched: only the server has all of it.
    std::function<void(const ConversationId&, std::uint64_t seq)> fetch;
  };
  PlacedRows(Model& model, OutboxRows& rows, Hooks hooks);

  // Notes the place. Adds the event to `events`, or has it fetched. May take the row away.
  void place(OutboxRow& row, const v1::Placed& placed, std::vector<v1::Event>& events);
  void commit(const std::vector<v1::Event>& events) const {
    if (!events.empty()) hooks_.placed(events);
  }
  // Tries rows again whose events could not be committed and that nobody would fetch any more, because they stand below
  // what this device holds or may read; or has them fetched, if the device does not know all of them.
  void settle();
  // The server that placed rows has another history now.
  void forget_places();

 private:
  [[nodiscard]] v1::Event event_of(const OutboxRow& row);

  Model& model_;
  OutboxRows& rows_;
  const Hooks hooks_;
};

}  // namespace kith::client
