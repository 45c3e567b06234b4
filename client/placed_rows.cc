// PlacedRows: a row, its place, its event.
#include "client/placed_rows.h"

#include <utility>

#include "client/wire_ids.h"
#include "kith/v1/frame.pb.h"
#include "src/frame_codec.h"

namespace kith::client {
namespace {

// An earlier attempt may have said something else, if the server was restored from a copy in between. Or what it
// answers had its place and went with the unsynced tail of the cache.
bool must_fetch(const OutboxRow& row, const v1::Event& event) {
  if (row.placed_before) return true;
  if (event.reply_to_seq() != 0) return false;
  v1::OutMessage out;
  out.ParseFromString(row.payload);
  return !out.reply_to_message_id().empty();
}

}  // namespace

PlacedRows::PlacedRows(Model& model, OutboxRows& rows, Hooks hooks)
    : model_(model), rows_(rows), hooks_(std::move(hooks)) {}

void PlacedRows::place(OutboxRow& row, const v1::Placed& placed, std::vector<v1::Event>& events) {
  row.placed_seq = placed.seq();
  row.placed_ordinal = placed.ordinal();
  row.placed_ts_ms = static_cast<std::int64_t>(placed.server_ts_ms());
  row.placed_before = placed.duplicate();
  if (row.kind == OutboxKind::kMessage) {
    v1::Event event = event_of(row);
    model_.emit(MessageChanged{model_.shown().message_of(row), false, false});
    if (!must_fetch(row, event)) {
      events.push_back(std::move(event));
      return;
    }
    (void)model_.raise_head(row.conversation, placed.seq(), placed.ordinal());
    return hooks_.fetch(row.conversation, placed.seq());
  }
  // The creation event itself is fetched: the server writes it.
  CacheChange change;
  change.outbox_remove.push_back(row.id);
  const ConversationId id = row.conversation;
  const MessageId command = row.id;
  if (model_.store().commit(change)) rows_.forget({command});
  (void)model_.raise_head(id, placed.seq(), placed.ordinal());
  hooks_.fetch(id, placed.seq());
}

v1::Event PlacedRows::event_of(const OutboxRow& row) {
  v1::OutMessage out;
  out.ParseFromString(row.payload);
  v1::Event event;
  event.set_conversation_id(row.conversation.bytes());
  event.set_seq(row.placed_seq);
  event.set_kind(v1::EVENT_KIND_MESSAGE);
  event.set_message_id(row.id.bytes());
  event.set_sender(model_.self().bytes());
  event.set_server_ts_ms(static_cast<std::uint64_t>(row.placed_ts_ms));
  event.set_ordinal(row.placed_ordinal);
  event.set_countable(true);
  event.set_body(out.content());
  *event.mutable_mentions() = out.mentions();
  event.set_reply_to_seq(out.reply_to_seq());
  if (const auto answered = message_id(out.reply_to_message_id());
      answered && out.reply_to_seq() == 0) {
    if (const auto stored = model_.store().find_message(row.conversation, *answered)) {
      event.set_reply_to_seq(stored->seq);
    } else if (const OutboxRow* other = rows_.find(row.conversation, *answered)) {
      event.set_reply_to_seq(other->placed_seq);  // placed by the same answer, or above a hole
    }
  }
  return event;
}

void PlacedRows::settle() {
  std::vector<v1::Event> events;
  std::vector<std::pair<ConversationId, std::uint64_t>> unknown;
  CacheChange created;
  for (const auto& [id, queue] : rows_.queues()) {
    const ConversationRecord* record = model_.find(id);
    for (const OutboxRow& row : queue) {
      if (row.placed_seq == 0 || row.placed_seq > model_.top(id)) continue;
      if (row.kind != OutboxKind::kMessage) {
        created.outbox_remove.push_back(row.id);
        continue;
      }
      v1::Event event = event_of(row);
      // Below the floor the server gives nothing, and what is answered is not to be seen either.
      const bool readable = record && row.placed_seq >= record->floor_seq;
      if (readable && must_fetch(row, event)) {
        unknown.emplace_back(id, row.placed_seq);
      } else {
        events.push_back(std::move(event));
      }
    }
  }
  if (created.touches_outbox() && model_.store().commit(created))
    rows_.forget(created.outbox_remove);
  commit(events);
  for (const auto& [id, seq] : unknown) hooks_.fetch(id, seq);
}

void PlacedRows::forget_places() {
  for (auto& [id, queue] : rows_.queues()) {
    for (OutboxRow& row : queue) {
      row.placed_seq = 0;
      row.placed_ts_ms = 0;
      row.placed_before = false;
    }
  }
}

}  // namespace kith::client
