// OutboxRows: the queues, and who is where in them.
#include "client/outbox_rows.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::client {

void OutboxRows::add(const OutboxRow& row) {
  queues_[row.conversation].push_back(row);
  last_order_ = std::max(last_order_, row.order);
  ++count_;
}

void OutboxRows::forget(const std::vector<MessageId>& ids) {
  for (const MessageId& id : ids) {
    for (auto it = queues_.begin(); it != queues_.end(); ++it) {
      Queue& rows = it->second;
      const auto row =
          std::find_if(rows.begin(), rows.end(), [&](const OutboxRow& r) { return r.id == id; });
      if (row == rows.end()) continue;
      rows.erase(row);
      --count_;
      if (rows.empty()) {
        const ConversationId conversation = it->first;
        queues_.erase(it);
        emptied_(conversation);
      }
      break;
    }
  }
}

void OutboxRows::sort() {
  for (auto& [id, rows] : queues_) {
    std::sort(rows.begin(), rows.end(),
              [](const OutboxRow& a, const OutboxRow& b) { return a.order < b.order; });
  }
}

OutboxRows::Queue* OutboxRows::queue(const ConversationId& id) {
  const auto it = queues_.find(id);
  return it == queues_.end() ? nullptr : &it->second;
}

OutboxRow* OutboxRows::find(const ConversationId& id, const MessageId& message) {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return nullptr;
  for (OutboxRow& row : it->second) {
    if (row.id == message) return &row;
  }
  return nullptr;
}

OutboxRow* OutboxRows::find(const MessageId& message) {
  for (auto& [id, rows] : queues_) {
    if (OutboxRow* row = find(id, message)) return row;
  }
  return nullptr;
}

bool OutboxRows::idle() const {
  return std::all_of(queues_.begin(), queues_.end(), [](const auto& queue) {
    return std::all_of(queue.second.begin(), queue.second.end(),
                       [](const OutboxRow& row) { return row.failed.has_value(); });
  });
}

std::vector<OutboxRow> OutboxRows::all() const {
  std::vector<OutboxRow> all;
  for (const auto& [id, rows] : queues_) all.insert(all.end(), rows.begin(), rows.end());
  return all;
}

std::vector<OutboxRow> OutboxRows::of(const ConversationId& id) const {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return {};
  return {it->second.begin(), it->second.end()};
}

const OutboxRow* OutboxRows::newest(const ConversationId& id) const {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return nullptr;
  const Queue& rows = it->second;
  const auto row = std::find_if(rows.rbegin(), rows.rend(),
                                [](const OutboxRow& r) { return r.kind == OutboxKind::kMessage; });
  return row == rows.rend() ? nullptr : &*row;
}

const OutboxRow* OutboxRows::message(const ConversationId& id, const MessageId& message) const {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return nullptr;
  for (const OutboxRow& row : it->second) {
    if (row.id == message) return row.kind == OutboxKind::kMessage ? &row : nullptr;
  }
  return nullptr;
}

std::size_t OutboxRows::room() const {
  return limits::outbox_messages_max - std::min(count_, limits::outbox_messages_max);
}

}  // namespace kith::client
