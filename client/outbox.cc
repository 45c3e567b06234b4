// Outbox: order, batches, retries and what becomes of each row.
#include "client/outbox.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"

namespace kith::client {
namespace {

// Says the error something about this row? A session that ends does not.
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

}  // namespace

GroupRefused refused_group(const OutboxRow& create) {
  Error reason = make_error(create.failed.value_or(ErrorCode::kCancelled),
                            "the server does not make this group");
  reason.users = create.refused;
  return {create.conversation, create.id, std::move(reason)};
}

Outbox::Outbox(Model& model, Connection& connection, Scheduler& scheduler, Random& random,
               Hooks hooks)
    : model_(model),
      connection_(connection),
      scheduler_(scheduler),
      random_(random),
      hooks_(std::move(hooks)) {}

Outbox::~Outbox() {
  for (auto& [id, queue] : queues_) scheduler_.cancel(queue.retry);
  scheduler_.cancel(held_back_);
}

void Outbox::load(const std::vector<OutboxRow>& rows) {
  for (const OutboxRow& row : rows) {
    queues_.try_emplace(row.conversation, random_).first->second.rows.push_back(row);
    last_order_ = std::max(last_order_, row.order);
    ++count_;
  }
}

// Both clocks may have jumped since: the row is as old as they say if they agree, as they do when time
// has passed. One that was written without a connection begins to age when the server first tells its
// time; it may have waited for so long before.
std::optional<Millis> Outbox::known_age(const OutboxRow& row) {
  if (row.server_ms == 0) return std::nullopt;
  const Millis claimed(scheduler_.clock().wall().ms - row.created_ms);
  const Millis told(connection_.server_time().told_ms() - row.server_ms);
  const Millis apart = claimed < told ? told - claimed : claimed - told;
  if (apart > limits::outbox_item_life) return std::nullopt;
  return std::min(claimed, told);
}

Millis Outbox::age(const OutboxRow& row) {
  return known_age(row).value_or(Millis{0});
}

// From here on the server's clock counts, too, and this device's from now on if it was set meanwhile.
// What cannot be written is dated by the next Welcome.
void Outbox::date_rows() {
  if (connection_.server_time().told_ms() == 0) return;
  const std::int64_t now = scheduler_.clock().wall().ms;
  CacheChange change;
  std::vector<OutboxRow*> rows;
  for (auto& [id, queue] : queues_) {
    for (OutboxRow& row : queue.rows) {
      if (known_age(row)) continue;
      rows.push_back(&row);
      OutboxRow& dated = change.outbox_put.emplace_back(row);
      const Millis claimed(now - row.created_ms);
      if (claimed < Millis{0} || claimed > limits::outbox_item_life) dated.created_ms = now;
      dated.server_ms = connection_.server_time().told_ms();
    }
  }
  if (rows.empty() || !model_.store().commit(change)) return;
  for (std::size_t i = 0; i < rows.size(); ++i) *rows[i] = change.outbox_put[i];
}

Status Outbox::add(const OutboxRow& row) {
  const auto queue = queues_.find(row.conversation);
  if (queue != queues_.end()) {
    const OutboxRow& first = queue->second.rows.front();
    if (first.kind == OutboxKind::kCreate && first.failed)
      return make_error(*first.failed, "the server does not make this group");
  }
  if (room() == 0) {
    return make_error(ErrorCode::kOutboxFull,
                      "the outbox holds " + std::to_string(count_) + " messages already");
  }
  CacheChange change;
  change.outbox_put.push_back(row);
  if (Status s = model_.store().commit(change); !s) return s;
  queues_.try_emplace(row.conversation, random_).first->second.rows.push_back(row);
  ++count_;
  if (row.kind == OutboxKind::kMessage)
    model_.emit(MessageChanged{model_.message_of(row), true, false});
  model_.emit_conversation(row.conversation);
  pump();
  return {};
}

Status Outbox::put(const std::vector<OutboxRow>& rows) {
  CacheChange change;
  change.outbox_put = rows;
  if (Status s = model_.store().commit(change); !s) return s;
  for (const OutboxRow& row : rows) {
    if (OutboxRow* known = find(row.conversation, row.id)) {
      *known = row;
      continue;
    }
    queues_.try_emplace(row.conversation, random_).first->second.rows.push_back(row);
    ++count_;
    model_.emit(MessageChanged{model_.message_of(row), true, false});
    model_.emit_conversation(row.conversation);
  }
  for (auto& [id, queue] : queues_) {
    std::sort(queue.rows.begin(), queue.rows.end(),
              [](const OutboxRow& a, const OutboxRow& b) { return a.order < b.order; });
  }
  return {};
}

std::size_t Outbox::room() const {
  return limits::outbox_messages_max - std::min(count_, limits::outbox_messages_max);
}

Status Outbox::resend(const MessageId& id) {
  OutboxRow* row = find(id);
  if (!row) return make_error(ErrorCode::kNotFound, "no such message is waiting");
  if (!row->failed) return {};
  if (row->kind == OutboxKind::kCreate) return resend_group(row->conversation);
  OutboxRow again = *row;
  again.failed.reset();
  again.created_ms = scheduler_.clock().wall().ms;
  again.server_ms = connection_.server_time().told_ms();
  CacheChange change;
  change.outbox_put.push_back(again);
  if (Status s = model_.store().commit(change); !s) return s;
  *row = again;
  model_.emit(MessageChanged{model_.message_of(again), false, false});
  pump();
  return {};
}

Status Outbox::discard(const MessageId& id) {
  OutboxRow* row = find(id);
  if (!row) return make_error(ErrorCode::kNotFound, "no such message is waiting");
  if (!row->failed)
    return make_error(ErrorCode::kInvalidArgument, "only a failed message can be discarded");
  if (row->kind == OutboxKind::kCreate) return discard_group(row->conversation);
  CacheChange change;
  change.outbox_remove.push_back(id);
  if (Status s = model_.store().commit(change); !s) return s;
  const ConversationId conversation = row->conversation;
  forget({id});
  model_.emit_conversation(conversation);
  return {};
}

void Outbox::open(const ServerLimits& limits) {
  limits_ = limits;
  open_ = true;
  date_rows();
  for (auto& [id, queue] : queues_) {
    scheduler_.cancel(std::exchange(queue.retry, 0));
    queue.one_by_one = false;
  }
  pump();
}

void Outbox::on_lost() {
  open_ = false;
  in_flight_ = 0;
  scheduler_.cancel(std::exchange(held_back_, 0));
  for (auto& [id, queue] : queues_) queue.in_flight = 0;
}

void Outbox::forget(const std::vector<MessageId>& ids) {
  for (const MessageId& id : ids) {
    for (auto it = queues_.begin(); it != queues_.end(); ++it) {
      auto& rows = it->second.rows;
      const auto row =
          std::find_if(rows.begin(), rows.end(), [&](const OutboxRow& r) { return r.id == id; });
      if (row == rows.end()) continue;
      rows.erase(row);
      --count_;
      if (rows.empty() && it->second.in_flight == 0) {
        scheduler_.cancel(it->second.retry);
        queues_.erase(it);
      }
      break;
    }
  }
}

bool Outbox::idle() const {
  for (const auto& [id, queue] : queues_) {
    for (const OutboxRow& row : queue.rows) {
      if (!row.failed) return false;
    }
  }
  return true;
}

std::vector<OutboxRow> Outbox::rows(const ConversationId& id) const {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return {};
  return {it->second.rows.begin(), it->second.rows.end()};
}

std::vector<OutboxRow> Outbox::all_rows() const {
  std::vector<OutboxRow> all;
  for (const auto& [id, queue] : queues_) {
    all.insert(all.end(), queue.rows.begin(), queue.rows.end());
  }
  return all;
}

const OutboxRow* Outbox::newest(const ConversationId& id) const {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return nullptr;
  const auto& rows = it->second.rows;
  const auto row = std::find_if(rows.rbegin(), rows.rend(),
                                [](const OutboxRow& r) { return r.kind == OutboxKind::kMessage; });
  return row == rows.rend() ? nullptr : &*row;
}

// Spread by up to a tenth: those who were all told the same do not return at once.
void Outbox::hold_back(Millis span) {
  const auto tenth = static_cast<std::uint64_t>(span.count()) / 10;
  scheduler_.cancel(held_back_);
  held_back_ = scheduler_.after(span + Millis(random_.below(tenth + 1)), [this] {
    held_back_ = 0;
    pump();
  });
}

OutboxRow* Outbox::find(const ConversationId& id, const MessageId& message) {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return nullptr;
  for (OutboxRow& row : it->second.rows) {
    if (row.id == message) return &row;
  }
  return nullptr;
}

OutboxRow* Outbox::find(const MessageId& message) {
  for (auto& [id, queue] : queues_) {
    if (OutboxRow* row = find(id, message)) return row;
  }
  return nullptr;
}

// One round over the conversations, beginning after the one that was served last.
void Outbox::pump() {
  if (!connection_.ready() || !open_ || held_back_) return;
  std::vector<ConversationId> round;
  for (auto it = queues_.upper_bound(turn_); it != queues_.end(); ++it) round.push_back(it->first);
  for (auto it = queues_.begin(); it != queues_.end() && !(turn_ < it->first); ++it)
    round.push_back(it->first);
  for (const ConversationId& id : round) {
    if (in_flight_ >= limits::unacked_items_max) return;
    const auto it = queues_.find(id);
    if (it != queues_.end() && pump(id, it->second)) turn_ = id;
  }
}

bool Outbox::pump(const ConversationId& id, Queue& queue) {
  if (queue.in_flight > 0 || queue.retry) return false;
  const std::size_t most =
      queue.one_by_one
          ? 1
          : std::min<std::size_t>(limits_.batch_items, limits::unacked_items_max - in_flight_);
  const std::size_t bytes_max =
      std::min<std::size_t>(limits::page_bytes_max, limits_.frame_bytes / 4 * 3);  // envelope
  std::vector<OutboxRow*> batch;
  std::size_t bytes = 0;
  for (OutboxRow& row : queue.rows) {
    if (row.failed || row.placed_seq) continue;
    if (age(row) > limits::outbox_item_life) {
      fail(row, make_error(ErrorCode::kExpired, "waited for too long"));
      continue;
    }
    if (row.kind == OutboxKind::kCreate) {
      if (!batch.empty()) break;
      queue.in_flight = 1;
      ++in_flight_;
      send_create(id, row);
      return true;
    }
    bytes += row.payload.size() + 32;
    if (batch.size() >= most || (!batch.empty() && bytes > bytes_max)) break;
    batch.push_back(&row);
  }
  if (batch.empty()) return false;
  queue.in_flight = batch.size();
  in_flight_ += batch.size();
  send_batch(id, batch);
  return true;
}

void Outbox::send_create(const ConversationId& id, OutboxRow& row) {
  v1::ClientFrame frame;
  frame.mutable_create_conversation()->ParseFromString(row.payload);
  frame.mutable_create_conversation()->set_attempt(row.attempt++);
  connection_.request(
      frame,
      [this, id, message = row.id, history = histories_](const v1::ServerFrame* answer,
                                                         const Error& error) {
        v1::SendResult result;
        v1::ItemResult& item = *result.add_items();
        item.set_message_id(message.bytes());
        if (answer && answer->has_placed()) {
          *item.mutable_placed() = answer->placed();
        } else {
          *item.mutable_error() =
              to_wire(answer ? make_error(ErrorCode::kProtocol, "unexpected answer") : error);
        }
        const bool doubt = !answer && !refused_for_good(error);
        on_result(id, {message}, history, doubt ? nullptr : &result, error);
      },
      limits::send_limit);
}

void Outbox::send_batch(const ConversationId& id, const std::vector<OutboxRow*>& rows) {
  v1::ClientFrame frame;
  v1::SendBatch& batch = *frame.mutable_send();
  batch.set_conversation_id(id.bytes());
  if (!rows.front()->peer.empty()) batch.set_direct_peer(rows.front()->peer.bytes());
  std::vector<MessageId> sent;
  for (OutboxRow* row : rows) {
    v1::OutMessage& item = *batch.add_items();
    item.ParseFromString(row->payload);
    item.set_attempt(row->attempt++);
    sent.push_back(row->id);
  }
  connection_.request(
      frame,
      [this, id, sent, history = histories_](const v1::ServerFrame* answer, const Error& error) {
        on_result(id, sent, history,
                  answer && answer->has_send_result() ? &answer->send_result() : nullptr,
                  answer ? make_error(ErrorCode::kUnavailable, "unexpected answer") : error);
      },
      limits::send_limit);
}

void Outbox::on_result(const ConversationId& id, const std::vector<MessageId>& sent,
                       std::uint64_t history, const v1::SendResult* result, const Error& error) {
  const auto it = queues_.find(id);
  if (it == queues_.end()) return;
  in_flight_ -= std::min(in_flight_, it->second.in_flight);
  it->second.in_flight = 0;
  if (history != histories_) {  // the rows are not any more what went out
    later(it->second, id, make_error(ErrorCode::kTimeout, "sent before the history changed"));
    return;
  }
  if (!result) {
    if (!refused_for_good(error)) {
      later(it->second, id, error);
    } else if (sent.size() > 1) {
      it->second.one_by_one = true;
    } else if (OutboxRow* row = find(id, sent.front())) {
      fail(*row, error);
    }
    pump();
    return;
  }
  bool wait = false;
  Error why = make_error(ErrorCode::kUnavailable, "not placed");
  std::size_t answered = 0;
  std::vector<v1::Event> events;
  for (const v1::ItemResult& item : result->items()) {
    const auto message = message_id(item.message_id());
    OutboxRow* row = message ? find(id, *message) : nullptr;
    if (!row) {
      ++answered;  // its event came first
    } else if (item.has_placed()) {
      ++answered;
      place(*row, item.placed(), events);  // may take the row away
    } else if (item.has_error()) {
      ++answered;
      const Error e = from_wire(item.error());
      if (refused_for_good(e)) {
        fail(*row, e);
      } else {
        wait = true;
        why = e;
      }
    }
  }
  if (!events.empty()) hooks_.placed(events);
  const auto still = queues_.find(id);
  if (still != queues_.end()) {
    if (wait || answered < sent.size()) {
      later(still->second, id, why);
    } else {
      still->second.one_by_one = false;
      still->second.backoff.emplace(random_);
      if (still->second.rows.empty()) queues_.erase(still);
    }
  }
  pump();
}

void Outbox::later(Queue& queue, const ConversationId& id, const Error& error) {
  if (error.code == ErrorCode::kOffline) return;  // the next Welcome sends it again
  if (error.code == ErrorCode::kRateLimited && error.retry_after_ms > 0) {
    hold_back(Millis(error.retry_after_ms));  // it counts the session, not the conversation
    return;
  }
  const Millis wait =
      error.code == ErrorCode::kTimeout
          ? Millis{0}
          : queue.backoff->next(scheduler_.clock().steady_ms(), Millis(error.retry_after_ms));
  scheduler_.cancel(queue.retry);
  queue.retry = scheduler_.after(wait, [this, id] {
    const auto it = queues_.find(id);
    if (it != queues_.end()) it->second.retry = 0;
    pump();
  });
}

// The row becomes the event. It leaves the outbox when the event is committed, in one transaction.
void Outbox::place(OutboxRow& row, const v1::Placed& placed, std::vector<v1::Event>& events) {
  row.placed_seq = placed.seq();
  row.placed_ordinal = placed.ordinal();
  row.placed_ts_ms = static_cast<std::int64_t>(placed.server_ts_ms());
  row.placed_before = placed.duplicate();
  if (row.kind == OutboxKind::kMessage) {
    v1::Event event = event_of(row);
    model_.emit(MessageChanged{model_.message_of(row), false, false});
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
  if (model_.store().commit(change)) forget({command});
  (void)model_.raise_head(id, placed.seq(), placed.ordinal());
  hooks_.fetch(id, placed.seq());
}

// The event of a message that has its place.
v1::Event Outbox::event_of(const OutboxRow& row) {
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
    } else if (const OutboxRow* other = find(row.conversation, *answered)) {
      event.set_reply_to_seq(other->placed_seq);  // placed by the same answer, or above a hole
    }
  }
  return event;
}

// An earlier attempt may have said something else, if the server was restored from a copy in between. Or what it
// answers had its place and went with the unsynced tail of the cache.
bool Outbox::must_fetch(const OutboxRow& row, const v1::Event& event) {
  if (row.placed_before) return true;
  if (event.reply_to_seq() != 0) return false;
  v1::OutMessage out;
  out.ParseFromString(row.payload);
  return !out.reply_to_message_id().empty();
}

void Outbox::settle_placed() {
  std::vector<v1::Event> events;
  std::vector<std::pair<ConversationId, std::uint64_t>> unknown;
  CacheChange created;
  for (const auto& [id, queue] : queues_) {
    const ConversationRecord* record = model_.find(id);
    for (const OutboxRow& row : queue.rows) {
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
  if (created.touches_outbox() && model_.store().commit(created)) forget(created.outbox_remove);
  if (!events.empty()) hooks_.placed(events);
  for (const auto& [id, seq] : unknown) hooks_.fetch(id, seq);
}

void Outbox::forget_places() {
  ++histories_;
  for (auto& [id, queue] : queues_) {
    for (OutboxRow& row : queue.rows) {
      row.placed_seq = 0;
      row.placed_ts_ms = 0;
      row.placed_before = false;
    }
  }
  pump();
}

void Outbox::fail(OutboxRow& row, const Error& error) {
  if (row.kind == OutboxKind::kCreate) return refuse_group(OutboxRow(row), error);
  OutboxRow failed = row;
  failed.failed = error.code;
  CacheChange change;
  change.outbox_put.push_back(failed);
  if (!model_.store().commit(change)) return;  // told again when it can be recorded
  row = failed;
  model_.emit(MessageChanged{model_.message_of(row), false, false});
  model_.emit_conversation(row.conversation);
}

// What waits for the group will never be sent: it fails with it.
void Outbox::refuse_group(const OutboxRow& create, const Error& error) {
  const auto queue = queues_.find(create.conversation);
  if (queue == queues_.end()) return;
  std::deque<OutboxRow> rows = queue->second.rows;
  CacheChange change;
  for (OutboxRow& row : rows) {
    row.failed = error.code;
    if (row.kind == OutboxKind::kCreate) row.refused = error.users;
    change.outbox_put.push_back(row);
  }
  if (!model_.store().commit(change)) return;  // told again when it can be recorded
  queue->second.rows = rows;
  for (const OutboxRow& row : rows) {
    if (row.kind == OutboxKind::kMessage)
      model_.emit(MessageChanged{model_.message_of(row), false, false});
  }
  model_.emit(GroupRefused{create.conversation, create.id, error});
  model_.emit_conversation(create.conversation);
}

Status Outbox::resend_group(const ConversationId& id) {
  Queue& queue = queues_.at(id);
  std::deque<OutboxRow> rows = queue.rows;
  CacheChange change;
  for (OutboxRow& row : rows) {
    row.failed.reset();
    row.refused.clear();
    row.created_ms = scheduler_.clock().wall().ms;
    row.server_ms = connection_.server_time().ms();
    change.outbox_put.push_back(row);
  }
  if (Status s = model_.store().commit(change); !s) return s;
  queue.rows = rows;
  for (const OutboxRow& row : rows) {
    if (row.kind == OutboxKind::kMessage)
      model_.emit(MessageChanged{model_.message_of(row), false, false});
  }
  pump();
  return {};
}

Status Outbox::discard_group(const ConversationId& id) {
  CacheChange change;
  for (const OutboxRow& row : queues_.at(id).rows) change.outbox_remove.push_back(row.id);
  if (Status s = model_.store().commit(change); !s) return s;
  forget(change.outbox_remove);
  model_.emit_conversation(id);
  return {};
}

}  // namespace kith::client
