// A conversation store in memory whose "disk" outlives it: a batch is on it wholly or not at all.
#include "server/adapters/embedded/conversation_store_memory.h"

#include <algorithm>

namespace kith::server {

namespace {

void store_batch(ConversationStoreMemory::Disk& disk, const StoreBatch& batch) {
  if (batch.position <= disk.applied) return;  // everything in it is there already
  for (const EventPtr& stored : batch.events) {
    const Event& event = *stored;
    disk.events[event.conversation].try_emplace(event.seq, event);
    if (event.message_id.empty()) continue;
    disk.placements.try_emplace({event.conversation, event.sender, event.message_id},
                                placement_of(event));
  }
  for (const Head& head : batch.heads) disk.heads[head.id] = head;
  for (const auto& [conversation, member] : batch.members) {
    disk.members[conversation][member.user] = member;
  }
  disk.applied = batch.position;
  disk.tenure = batch.tenure;
}

std::optional<Conversation> conversation_of(const ConversationStoreMemory::Disk& disk,
                                            const ConversationId& id) {
  const auto head = disk.heads.find(id);
  if (head == disk.heads.end()) return std::nullopt;
  Conversation found{head->second, {}};
  if (const auto members = disk.members.find(id); members != disk.members.end()) {
    for (const auto& [user, member] : members->second) found.members.push_back(member);
  }
  return found;
}

std::vector<Event> events_of(const ConversationStoreMemory::Disk& disk, const EventQuery& query) {
  std::vector<Event> found;
  const auto it = disk.events.find(query.conversation);
  if (it == disk.events.end() || (query.to != 0 && query.to < query.from)) return found;
  const auto begin = it->second.lower_bound(query.from);
  const auto end = query.to == 0 ? it->second.end() : it->second.upper_bound(query.to);
  if (query.newest) {
    for (auto e = end; e != begin && found.size() < query.limit;) found.push_back((--e)->second);
    std::reverse(found.begin(), found.end());
  } else {
    for (auto e = begin; e != end && found.size() < query.limit; ++e) found.push_back(e->second);
  }
  return found;
}

}  // namespace

ConversationStoreMemory::ConversationStoreMemory(std::shared_ptr<Disk> disk, Scheduler& scheduler)
    : disk_(std::move(disk)), batches_(disk_, scheduler, store_batch) {}

Result<StoredUpTo> ConversationStoreMemory::applied() {
  if (const auto fault = batches_.read_fault()) return *fault;
  return StoredUpTo{disk_->applied, disk_->tenure};
}

void ConversationStoreMemory::apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) {
  batches_.apply(std::move(batch), std::move(done));
}

void ConversationStoreMemory::load(const ConversationId& id,
                                   Done<std::optional<Conversation>> done) {
  batches_.answer<std::optional<Conversation>>(
      std::move(done), [id](const Disk& disk) { return conversation_of(disk, id); });
}

Result<std::vector<Conversation>> ConversationStoreMemory::load_all(
    const std::vector<ConversationId>& ids) {
  if (const auto fault = batches_.read_fault()) return *fault;
  std::vector<Conversation> found;
  for (const ConversationId& id : ids) {
    if (auto one = conversation_of(*disk_, id)) found.push_back(std::move(*one));
  }
  return found;
}

void ConversationStoreMemory::find(const ConversationId& id, const UserId& sender,
                                   const MessageId& message, Done<std::optional<Placement>> done) {
  batches_.answer<std::optional<Placement>>(
      std::move(done), [key = std::tuple(id, sender, message)](const Disk& disk) {
        const auto it = disk.placements.find(key);
        return it == disk.placements.end() ? std::nullopt : std::optional(it->second);
      });
}

void ConversationStoreMemory::events(const EventQuery& query, Done<std::vector<Event>> done) {
  batches_.answer<std::vector<Event>>(std::move(done),
                                      [query](const Disk& disk) { return events_of(disk, query); });
}

void ConversationStoreMemory::heads(const ConversationId& after, Position changed_after,
                                    std::size_t limit, Done<HeadsPage> done) {
  batches_.answer<HeadsPage>(std::move(done), [after, changed_after, limit](const Disk& disk) {
    HeadsPage page;
    auto head = disk.heads.upper_bound(after);
    for (std::size_t seen = 0; head != disk.heads.end() && seen < limit; ++head, ++seen) {
      page.next = head->first;
      if (head->second.last_position > changed_after) page.heads.push_back(head->second);
    }
    page.more = head != disk.heads.end();
    return page;
  });
}

}  // namespace kith::server
