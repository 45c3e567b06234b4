// Outbox: rows are committed before they are here.
#include "client/outbox.h"

#include <string>
#include <utility>

namespace kith::client {

Outbox::Outbox(Model& model, Connection& connection, Scheduler& scheduler, Random& random,
               Hooks hooks)
    : model_(model),
      rows_([this](const ConversationId& id) { sender_.on_emptied(id); }),
      ages_(scheduler.clock(), connection.server_time(), model, rows_),
      refusals_(model, rows_, ages_),
      placed_(model, rows_, std::move(hooks)),
      sender_({connection, rows_, ages_, refusals_, placed_}, scheduler, random) {}

void Outbox::load(const std::vector<OutboxRow>& rows) {
  for (const OutboxRow& row : rows) rows_.add(row);
}

Status Outbox::add(const OutboxRow& row) {
  if (const OutboxRows::Queue* queue = rows_.queue(row.conversation)) {
    const OutboxRow& first = queue->front();
    if (first.kind == OutboxKind::kCreate && first.failed)
      return make_error(*first.failed, "the server does not make this group");
  }
  if (rows_.room() == 0) {
    return make_error(ErrorCode::kOutboxFull,
                      "the outbox holds " + std::to_string(rows_.count()) + " messages already");
  }
  CacheChange change;
  change.outbox_put.push_back(row);
  if (Status s = model_.store().commit(change); !s) return s;
  rows_.add(row);
  if (row.kind == OutboxKind::kMessage)
    model_.emit(MessageChanged{model_.shown().message_of(row), true, false});
  model_.emit_conversation(row.conversation);
  sender_.pump();
  return {};
}

Status Outbox::put(const std::vector<OutboxRow>& rows) {
  CacheChange change;
  change.outbox_put = rows;
  if (Status s = model_.store().commit(change); !s) return s;
  for (const OutboxRow& row : rows) {
    if (OutboxRow* known = rows_.find(row.conversation, row.id)) {
      *known = row;
      continue;
    }
    rows_.add(row);
    model_.emit(MessageChanged{model_.shown().message_of(row), true, false});
    model_.emit_conversation(row.conversation);
  }
  rows_.sort();
  return {};
}

Status Outbox::resend(const MessageId& id) {
  Status s = refusals_.resend(id);
  if (s) sender_.pump();
  return s;
}

void Outbox::forget_places() {
  placed_.forget_places();
  sender_.doubt_all();
  sender_.pump();
}

}  // namespace kith::client
