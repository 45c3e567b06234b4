// From the log to the disks of the truth.
#include "tests/simulation/cluster/shadow.h"

#include <utility>

namespace kith::sim {

void Shadow::landed(const server::LogEntry& entry) {
  const auto out = history_.add(entry);
  PartitionDisks::Log& log = *disks_.log;
  log.last = entry.position;
  if (!out) return;  // void, or a take-over
  log.entries.push_back(entry);
  watch_.logged(partition_, entry);
  Decided decided;
  decided.position = entry.position;
  const server::Conversation* after = history_.conversation(entry.record.conversation);
  if (!out->error && !out->duplicate && after != nullptr && after->head.last_seq > 0) {
    decided.event = out->event;
    decided.after.head = after->head;
    for (const UserId& user : out->changed_members) {
      if (const auto* member = server::find_member(*after, user)) {
        decided.after.members.push_back(*member);
      }
    }
  }
  unstored_.push_back(std::move(decided));
}

// As an owner writes it: the last state of each row.
void Shadow::stored(server::Position upto) {
  PartitionDisks::Store& store = *disks_.store;
  if (upto <= store.applied) return;
  server::StoreBatch batch;
  batch.position = store.applied = upto;
  std::map<ConversationId, server::Head> heads;
  std::map<std::pair<ConversationId, UserId>, server::Member> members;
  for (; !unstored_.empty() && unstored_.front().position <= upto; unstored_.pop_front()) {
    const Decided& one = unstored_.front();
    const server::Head& head = one.after.head;
    if (head.last_seq == 0) continue;
    heads[head.id] = store.heads[head.id] = head;
    for (const server::Member& member : one.after.members) {
      members[{head.id, member.user}] = store.members[head.id][member.user] = member;
    }
    if (one.event == nullptr) continue;
    batch.events.push_back(one.event);
    store.events[head.id][one.event->seq] = *one.event;
    if (one.event->message_id.empty()) continue;
    store.placements[{head.id, one.event->sender, one.event->message_id}] =
        server::placement_of(*one.event);
  }
  for (const auto& [id, head] : heads) batch.heads.push_back(head);
  for (const auto& [key, member] : members) batch.members.emplace_back(key.first, member);
  watch_.applied(partition_, batch);
}

}  // namespace kith::sim
