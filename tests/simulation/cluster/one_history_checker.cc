// Invariant 36.
#include "tests/simulation/cluster/one_history_checker.h"

namespace kith::sim {

void OneHistoryChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  for (const v1::Event& event : frame.event_push().events()) judge(who, event);
  for (const v1::Event& event : frame.events_page().events()) judge(who, event);
  if (frame.has_send_result()) judge(who, frame.send_result());
  for (const auto& hit : frame.search_page().hits()) judge(who, hit.event());
}

void OneHistoryChecker::judge(const Who& who, const v1::Event& event) {
  const ConversationId id = ConversationId::from_bytes(event.conversation_id()).value();
  const server::Event* decided =
      cluster_.history(truth_.disks.partition_of(id)).event(id, event.seq());
  const std::string name = brief(id) + "/" + std::to_string(event.seq());
  if (decided == nullptr) {
    return broken(36, who.name + " is given event " + name + ", which the log does not have");
  }
  if (event.kind() == v1::EVENT_KIND_VOID) return;
  if (decided->server_ts_ms == static_cast<std::int64_t>(event.server_ts_ms()) &&
      decided->message_id.bytes() == event.message_id()) {
    return;
  }
  broken(36, who.name + " is given another event " + name + " than the log has");
}

void OneHistoryChecker::judge(const Who& who, const v1::SendResult& result) {
  const ConversationId id = ConversationId::from_bytes(result.conversation_id()).value();
  for (const v1::ItemResult& item : result.items()) {
    if (!item.has_placed()) continue;
    const std::uint64_t seq = item.placed().seq();
    const server::Event* decided = cluster_.history(truth_.disks.partition_of(id)).event(id, seq);
    if (decided != nullptr && decided->message_id.bytes() == item.message_id()) continue;
    broken(36, who.name + " is told that its message is " + brief(id) + "/" + std::to_string(seq) +
                   ", where the log has another, or nothing");
  }
}

void OneHistoryChecker::at_rest() {
  if (const std::string other = cluster_.difference(); !other.empty()) broken(36, other);
}

}  // namespace kith::sim
