// Invariant 28.
#include "tests/simulation/checkers/by_hand.h"

namespace kith::sim {

void ByHandChecker::cached(const Who& who, const client::CacheChange& change) {
  if (!who.by_hand) return;
  for (const client::StoredEvent& stored : change.events) {
    v1::Event event;
    event.ParseFromString(stored.bytes);
    if (event.kind() != v1::EVENT_KIND_MESSAGE || event.sender() == who.user.bytes()) continue;
    if (dealt_with_[who.device][stored.conversation].contains(stored.seq)) continue;
    waiting_[who.device][stored.conversation].insert(stored.seq);
  }
}

void ByHandChecker::dealt_with(const Who& who, const ConversationId& id, std::uint64_t seq) {
  waiting_[who.device][id].erase(seq);
  dealt_with_[who.device][id].insert(seq);
}

// Messages lost from the cache come again.
void ByHandChecker::rolled_back(const Who& who) {
  const auto& held = truth_.disk(who.device).cache.events;
  for (auto& [id, seqs] : waiting_[who.device]) {
    const auto events = held.find(id);
    std::erase_if(seqs, [&](std::uint64_t seq) {
      return events == held.end() || !events->second.contains(seq);
    });
  }
}

// Its numbers stand for other messages from now on.
void ByHandChecker::forgot_history(const Who& who) {
  waiting_.erase(who.device);
  dealt_with_.erase(who.device);
}

void ByHandChecker::asks(const Who& who, const v1::ClientFrame& frame) {
  if (!who.by_hand) return;
  for (const auto& head : frame.ack_events().upto()) {
    const auto id = ConversationId::from_bytes(head.conversation_id()).value();
    const auto& seqs = waiting_[who.device][id];
    if (seqs.empty() || *seqs.begin() > head.seq()) continue;
    broken(28, who.name + " acknowledges " + brief(id) + "/" + std::to_string(head.seq()) +
                   ", and its application has not dealt with " + std::to_string(*seqs.begin()));
  }
}

void ByHandChecker::at_rest() {
  for (const Who& who : truth_.devices) {
    if (!who.by_hand || truth_.gone(who.user)) continue;
    for (const auto& [id, seqs] : waiting_[who.device]) {
      if (seqs.empty()) continue;
      broken(28, "the application of " + who.name + " never heard of " + brief(id) + "/" +
                     std::to_string(*seqs.begin()));
    }
  }
}

}  // namespace kith::sim
