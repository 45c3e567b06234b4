// Each step of a batch is awaited before the next.
#include "tests/simulation/owners/cell_store.h"

#include <algorithm>

namespace kith::sim {

std::optional<server::Conversation> Cells::conversation(const ConversationId& id) const {
  const auto head = heads.find(id);
  if (head == heads.end()) return std::nullopt;
  server::Conversation found{head->second.value, {}};
  for (auto it = members.lower_bound({id, UserId()}); it != members.end(); ++it) {
    if (it->first.first != id) break;
    found.members.push_back(it->second.value);
  }
  return found;
}

CellStore::CellStore(std::shared_ptr<Cells> cells, Process& process)
    : cells_(std::move(cells)), process_(process) {}

CellStore::~CellStore() {
  *alive_ = false;
  for (const auto& write : under_way_) {
    const auto lands = write.lock();
    if (lands && cells_->random->chance(0.3)) *lands = false;
  }
}

void CellStore::later(std::function<void()> task) {
  process_.after(Millis(cells_->random->between(0, 6)), [alive = alive_, task = std::move(task)] {
    if (*alive) task();
  });
}

Result<server::StoredUpTo> CellStore::applied() {
  server::StoredUpTo row = cells_->row.value;
  if (cells_->broken == OwnerRule::kTenureIsStored) row.tenure = {};
  return row;
}

// Writes events and places, then the rows that refer to them, then the position.
std::vector<CellStore::Step> CellStore::steps_of(const server::StoreBatch& batch,
                                                 OwnerRule broken) {
  Step rows;
  for (const server::EventPtr& event : batch.events) {
    rows.push_back([event](Cells& cells) {
      cells.put(cells.events[{event->conversation, event->seq}], event->position, *event);
    });
    if (event->message_id.empty()) continue;
    rows.push_back([event](Cells& cells) {
      cells.put(cells.places[{event->conversation, event->sender, event->message_id}],
                event->position, server::placement_of(*event));
    });
  }
  // One write for each conversation: its head and those of its members that have changed.
  std::map<ConversationId, std::vector<server::Member>> changed;
  for (const auto& [id, member] : batch.members) changed[id].push_back(member);
  Step heads;
  for (const server::Head& head : batch.heads) {
    heads.push_back([head, members = changed[head.id]](Cells& cells) {
      cells.put(cells.heads[head.id], head.last_position, head);
      for (const server::Member& member : members) {
        cells.put(cells.members[{head.id, member.user}], head.last_position, member);
      }
    });
  }
  const server::StoredUpTo upto{batch.position, batch.tenure};
  Step row{[upto](Cells& cells) {
    cells.put(cells.row, upto.position, upto);
    if (cells.on_row) cells.on_row();
  }};
  if (broken == OwnerRule::kPositionLast) return {row, rows, heads};
  if (broken == OwnerRule::kRowsBeforeHeads) return {heads, rows, row};
  return {rows, heads, row};
}

void CellStore::apply(std::shared_ptr<const server::StoreBatch> batch, Done<void> done) {
  auto writing = std::make_shared<Batch>();
  writing->steps = steps_of(*batch, cells_->broken);
  writing->done = std::move(done);
  write_next(writing);
}

void CellStore::write_next(const std::shared_ptr<Batch>& batch) {
  if (batch->next == batch->steps.size()) return batch->done({});
  if (batch->next == 0 && cells_->on_batch) cells_->on_batch();
  SeededRandom& random = *cells_->random;
  const bool unknown = !cells_->calm && random.chance(0.03);
  std::erase_if(under_way_, [](const auto& write) { return write.expired(); });
  std::int64_t slowest = 0;
  for (Write& write : batch->steps[batch->next++]) {
    std::int64_t delay = random.between(0, 8);
    if (unknown && random.chance(0.5)) delay += random.between(0, 8'000);
    slowest = std::max(slowest, delay);
    auto lands = std::make_shared<bool>(!unknown || random.chance(0.8));
    under_way_.push_back(lands);
    cells_->replicas->after(Millis(delay), [cells = cells_, write = std::move(write), lands] {
      if (*lands) write(*cells);
    });
  }
  process_.after(Millis(unknown ? 20 : slowest + 1), [this, alive = alive_, batch, unknown] {
    if (!*alive) return;
    if (!unknown) return write_next(batch);
    batch->done(make_error(ErrorCode::kUnavailable, "timed out"));
  });
}

void CellStore::load(const ConversationId& id, Done<std::optional<server::Conversation>> done) {
  later([this, id, done = std::move(done)] { done(cells_->conversation(id)); });
}

Result<std::vector<server::Conversation>> CellStore::load_all(
    const std::vector<ConversationId>& ids) {
  std::vector<server::Conversation> found;
  for (const ConversationId& id : ids) {
    if (auto one = cells_->conversation(id)) found.push_back(*std::move(one));
  }
  return found;
}

void CellStore::find(const ConversationId& id, const UserId& sender, const MessageId& message,
                     Done<std::optional<server::Placement>> done) {
  later([this, id, sender, message, done = std::move(done)] {
    const auto it = cells_->places.find({id, sender, message});
    done(it == cells_->places.end() ? std::nullopt : std::optional(it->second.value));
  });
}

void CellStore::events(const server::EventQuery& query, Done<std::vector<server::Event>> done) {
  later([this, query, done = std::move(done)] {
    std::vector<server::Event> found;
    auto it = cells_->events.lower_bound({query.conversation, query.from});
    for (; it != cells_->events.end() && it->first.first == query.conversation; ++it) {
      if (query.to != 0 && it->first.second > query.to) break;
      found.push_back(it->second.value);
    }
    if (found.size() > query.limit) {
      const auto extra = static_cast<std::ptrdiff_t>(found.size() - query.limit);
      if (query.newest) found.erase(found.begin(), found.begin() + extra);
      if (!query.newest) found.erase(found.end() - extra, found.end());
    }
    done(std::move(found));
  });
}

void CellStore::heads(const ConversationId& after, server::Position changed_after,
                      std::size_t limit, Done<server::HeadsPage> done) {
  later([this, after, changed_after, limit, done = std::move(done)] {
    server::HeadsPage page;
    std::size_t read = 0;
    for (auto it = cells_->heads.upper_bound(after); it != cells_->heads.end(); ++it) {
      if (read++ == limit) {
        page.more = true;
        break;
      }
      page.next = it->first;
      if (it->second.value.last_position > changed_after) page.heads.push_back(it->second.value);
    }
    done(std::move(page));
  });
}

}  // namespace kith::sim
