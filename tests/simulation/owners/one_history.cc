// The rules once more, as short as possible.
#include "tests/simulation/owners/one_history.h"

#include <algorithm>

namespace kith::sim {

OneHistory::OneHistory(const SharedTopic& topic) {
  for (const SharedTopic::Record& record : topic.records) add(record.entry);
}

std::optional<server::Outcome> OneHistory::add(const server::LogEntry& entry) {
  const server::LogRecord& r = entry.record;
  if (std::holds_alternative<server::TakeOverOp>(r.op)) {
    if (r.tenure.epoch > current_.epoch) current_ = r.tenure;
    return std::nullopt;
  }
  if (r.tenure != current_) return std::nullopt;
  if (std::holds_alternative<server::UserMarkOp>(r.op)) return server::Outcome{};
  return decide_one(entry);
}

server::Outcome OneHistory::decide_one(const server::LogEntry& entry) {
  const server::LogRecord& r = entry.record;
  const Key key{r.conversation, r.sender, r.command_id};
  std::optional<server::Placement> earlier;
  if (const auto it = places_.find(key); it != places_.end() && r.attempt > 0) {
    earlier = it->second;
  }
  server::Conversation& conversation = conversations_[r.conversation];
  conversation.head.id = r.conversation;
  server::Outcome out = server::decide(conversation, entry, earlier);
  if (!out.event) return out;
  events_[r.conversation].emplace(out.event->seq, *out.event);
  if (!places_.emplace(key, server::placement_of(*out.event)).second) {
    placed_twice_ = r.command_id.to_string() + " once more at " +
                    std::to_string(out.event->position) + ", seq " + std::to_string(out.event->seq);
  }
  return out;
}

const server::Event* OneHistory::event(const ConversationId& id, std::uint64_t seq) const {
  const auto all = events_.find(id);
  if (all == events_.end()) return nullptr;
  const auto it = all->second.find(seq);
  return it == all->second.end() ? nullptr : &it->second;
}

const server::Placement* OneHistory::place(const server::LogRecord& command) const {
  const auto it = places_.find({command.conversation, command.sender, command.command_id});
  return it == places_.end() ? nullptr : &it->second;
}

std::string OneHistory::difference(const Cells& cells) const {
  for (const auto& [id, conversation] : conversations_) {
    if (conversation.head.last_seq == 0) continue;
    const std::string name = "conversation " + id.to_string();
    auto stored = cells.conversation(id);
    if (!stored) return name + " is not stored";
    if (stored->head != conversation.head) return name + " has another head";
    if (stored->members != conversation.members) return name + " has other members";
  }
  for (const auto& [id, all] : events_) {
    for (const auto& [seq, event] : all) {
      const auto it = cells.events.find({id, seq});
      const std::string name = "event " + std::to_string(seq) + " of " + id.to_string();
      if (it == cells.events.end()) return name + " is not stored";
      if (!(it->second.value == event)) return name + " is stored differently";
    }
  }
  return {};
}

}  // namespace kith::sim
