// OutboxRefusals: one message, or a group with what waits for it.
#include "client/outbox_refusals.h"

#include <utility>

namespace kith::client {

GroupRefused refused_group(const OutboxRow& create) {
  Error reason = make_error(create.failed.value_or(ErrorCode::kCancelled),
                            "the server does not make this group");
  reason.users = create.refused;
  return {create.conversation, create.id, std::move(reason)};
}

bool refused_for_good(const Error& error) {
  switch (error.code) {
    case ErrorCode::kCancelled:
    case ErrorCode::kUnauthenticated:
    case ErrorCode::kRevoked:
    case ErrorCode::kUpgradeRequired:
      return false;
    default:
      return error.retry() == Retry::kNever;
  }
}

void OutboxRefusals::fail(OutboxRow& row, const Error& error) {
  if (row.kind == OutboxKind::kCreate) return refuse_group(OutboxRow(row), error);
  OutboxRow failed = row;
  failed.failed = error.code;
  CacheChange change;
  change.outbox_put.push_back(failed);
  if (!model_.store().commit(change))
    return;  // the server refuses it again when it can be recorded
  row = failed;
  model_.emit(MessageChanged{model_.shown().message_of(row), false, false});
  model_.emit_conversation(row.conversation);
}

void OutboxRefusals::refuse_group(const OutboxRow& create, const Error& error) {
  OutboxRows::Queue* queue = rows_.queue(create.conversation);
  if (!queue) return;
  OutboxRows::Queue rows = *queue;
  CacheChange change;
  for (OutboxRow& row : rows) {
    row.failed = error.code;
    if (row.kind == OutboxKind::kCreate) row.refused = error.users;
    change.outbox_put.push_back(row);
  }
  if (!model_.store().commit(change))
    return;  // the server refuses it again when it can be recorded
  *queue = rows;
  emit_messages(rows);
  model_.emit(GroupRefused{create.conversation, create.id, error});
  model_.emit_conversation(create.conversation);
}

void OutboxRefusals::emit_messages(const OutboxRows::Queue& rows) {
  for (const OutboxRow& row : rows) {
    if (row.kind == OutboxKind::kMessage)
      model_.emit(MessageChanged{model_.shown().message_of(row), false, false});
  }
}

Status OutboxRefusals::resend(const MessageId& id) {
  OutboxRow* row = rows_.find(id);
  if (!row) return make_error(ErrorCode::kNotFound, "no such message is waiting");
  if (!row->failed) return {};
  if (row->kind == OutboxKind::kCreate) return resend_group(row->conversation);
  OutboxRow again = *row;
  again.failed.reset();
  ages_.renew(again);
  CacheChange change;
  change.outbox_put.push_back(again);
  if (Status s = model_.store().commit(change); !s) return s;
  *row = again;
  model_.emit(MessageChanged{model_.shown().message_of(again), false, false});
  return {};
}

Status OutboxRefusals::resend_group(ConversationId id) {
  OutboxRows::Queue& queue = *rows_.queue(id);
  OutboxRows::Queue rows = queue;
  CacheChange change;
  for (OutboxRow& row : rows) {
    row.failed.reset();
    row.refused.clear();
    ages_.renew(row);
    change.outbox_put.push_back(row);
  }
  if (Status s = model_.store().commit(change); !s) return s;
  queue = rows;
  emit_messages(rows);
  return {};
}

Status OutboxRefusals::discard(const MessageId& id) {
  const OutboxRow* row = rows_.find(id);
  if (!row) return make_error(ErrorCode::kNotFound, "no such message is waiting");
  if (!row->failed)
    return make_error(ErrorCode::kInvalidArgument, "only a failed message can be discarded");
  if (row->kind == OutboxKind::kCreate) return discard_group(row->conversation);
  CacheChange change;
  change.outbox_remove.push_back(id);
  if (Status s = model_.store().commit(change); !s) return s;
  const ConversationId conversation = row->conversation;
  rows_.forget({id});
  model_.emit_conversation(conversation);
  return {};
}

Status OutboxRefusals::discard_group(ConversationId id) {
  CacheChange change;
  for (const OutboxRow& row : *rows_.queue(id)) change.outbox_remove.push_back(row.id);
  if (Status s = model_.store().commit(change); !s) return s;
  rows_.forget(change.outbox_remove);
  model_.emit_conversation(id);
  return {};
}

}  // namespace kith::client
