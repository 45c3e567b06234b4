// OutboxSender: turns, batches, answers and pauses.
#include "client/outbox_sender.h"

#include <algorithm>
#include <utility>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "src/error.h"
#include "src/frame_codec.h"

namespace kith::client {

OutboxSender::OutboxSender(const Parts& parts, Scheduler& scheduler, Random& random)
    : parts_(parts),
      scheduler_(scheduler),
      random_(random),
      held_back_(scheduler, [this] { pump(); }) {}

OutboxSender::Sending& OutboxSender::sending(const ConversationId& id) {
  return sending_.try_emplace(id, scheduler_, random_, [this] { pump(); }).first->second;
}

void OutboxSender::open(const ServerLimits& limits) {
  limits_ = limits;
  open_ = true;
  parts_.ages.date_all();
  for (auto& [id, sending] : sending_) {
    sending.retry.stop();
    sending.one_by_one = false;
  }
  pump();
}

void OutboxSender::on_lost() {
  open_ = false;
  in_flight_ = 0;
  held_back_.stop();
  for (auto& [id, sending] : sending_) sending.in_flight = 0;
  std::erase_if(sending_, [this](const auto& each) { return !parts_.rows.has(each.first); });
}

// Spread by up to a tenth: devices that all got the same answer do not return at once.
void OutboxSender::hold_back(Millis span) {
  const auto tenth = static_cast<std::uint64_t>(span.count()) / 10;
  held_back_.start(span + Millis(random_.below(tenth + 1)));
}

void OutboxSender::on_emptied(const ConversationId& id) {
  const auto it = sending_.find(id);
  if (it != sending_.end() && it->second.in_flight == 0) sending_.erase(it);
}

// Begins after the conversation that was served last.
void OutboxSender::pump() {
  if (!parts_.connection.ready() || !open_ || held_back_.waits()) return;
  auto& queues = parts_.rows.queues();
  std::vector<ConversationId> round;
  for (auto it = queues.upper_bound(turn_); it != queues.end(); ++it) round.push_back(it->first);
  for (auto it = queues.begin(); it != queues.end() && !(turn_ < it->first); ++it)
    round.push_back(it->first);
  for (const ConversationId& id : round) {
    if (in_flight_ >= limits::unacked_items_max) return;
    OutboxRows::Queue* queue = parts_.rows.queue(id);
    if (queue && pump(id, *queue)) turn_ = id;
  }
}

bool OutboxSender::pump(const ConversationId& id, OutboxRows::Queue& queue) {
  const auto known = sending_.find(id);
  const bool one_by_one = known != sending_.end() && known->second.one_by_one;
  if (known != sending_.end() && (known->second.in_flight > 0 || known->second.retry.waits()))
    return false;
  const std::size_t most =
      one_by_one
          ? 1
          : std::min<std::size_t>(limits_.batch_items, limits::unacked_items_max - in_flight_);
  const std::size_t bytes_max =
      std::min<std::size_t>(limits::page_bytes_max, limits_.frame_bytes / 4 * 3);  // envelope
  std::vector<OutboxRow*> batch;
  std::size_t bytes = 0;
  for (OutboxRow& row : queue) {
    if (row.failed || row.placed_seq) continue;
    const bool group = row.kind == OutboxKind::kCreate;
    if (parts_.ages.of(row) > limits::outbox_item_life) {
      parts_.refusals.fail(row, make_error(ErrorCode::kExpired, "waited for too long"));
      if (group) return false;  // all that waits for it has failed, too
      continue;
    }
    if (group) {
      if (!batch.empty()) break;
      sending(id).in_flight = 1;
      ++in_flight_;
      send_create(id, row);
      return true;
    }
    bytes += row.payload.size() + 32;
    if (batch.size() >= most || (!batch.empty() && bytes > bytes_max)) break;
    batch.push_back(&row);
  }
  if (batch.empty()) return false;
  sending(id).in_flight = batch.size();
  in_flight_ += batch.size();
  send_batch(id, batch);
  return true;
}

void OutboxSender::send_create(const ConversationId& id, OutboxRow& row) {
  v1::ClientFrame frame;
  frame.mutable_create_conversation()->ParseFromString(row.payload);
  frame.mutable_create_conversation()->set_attempt(row.attempt++);
  parts_.connection.request(
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

void OutboxSender::send_batch(const ConversationId& id, const std::vector<OutboxRow*>& rows) {
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
  parts_.connection.request(
      frame,
      [this, id, sent, history = histories_](const v1::ServerFrame* answer, const Error& error) {
        on_result(id, sent, history,
                  answer && answer->has_send_result() ? &answer->send_result() : nullptr,
                  answer ? make_error(ErrorCode::kUnavailable, "unexpected answer") : error);
      },
      limits::send_limit);
}

void OutboxSender::on_result(const ConversationId& id, const std::vector<MessageId>& sent,
                             std::uint64_t history, const v1::SendResult* result,
                             const Error& error) {
  const auto it = sending_.find(id);
  if (it == sending_.end()) return;
  in_flight_ -= std::min(in_flight_, it->second.in_flight);
  it->second.in_flight = 0;
  if (history != histories_) {  // the rows are not any more what went out
    return later(id, make_error(ErrorCode::kTimeout, "sent before the history changed"));
  }
  if (result) {
    const auto open = take(id, sent.size(), *result);
    if (open) {
      later(id, *open);
    } else {
      sending_.erase(id);
    }
  } else if (!refused_for_good(error)) {
    later(id, error);
  } else if (sent.size() > 1) {
    it->second.one_by_one = true;
  } else if (OutboxRow* row = parts_.rows.find(id, sent.front())) {
    parts_.refusals.fail(*row, error);
  }
  pump();
}

std::optional<Error> OutboxSender::take(const ConversationId& id, std::size_t sent,
                                        const v1::SendResult& result) {
  std::optional<Error> open;
  std::size_t answered = 0;
  std::vector<v1::Event> events;
  for (const v1::ItemResult& item : result.items()) {
    const auto message = message_id(item.message_id());
    OutboxRow* row = message ? parts_.rows.find(id, *message) : nullptr;
    if (!row) {
      ++answered;  // its event came first
    } else if (item.has_placed()) {
      ++answered;
      parts_.placed.place(*row, item.placed(), events);  // may take the row away
    } else if (item.has_error()) {
      ++answered;
      const Error e = from_wire(item.error());
      if (refused_for_good(e)) {
        parts_.refusals.fail(*row, e);
      } else {
        open = e;
      }
    }
  }
  parts_.placed.commit(events);
  if (!open && answered < sent) open = make_error(ErrorCode::kUnavailable, "not placed");
  return open;
}

void OutboxSender::later(const ConversationId& id, const Error& error) {
  if (!parts_.rows.has(id)) return on_emptied(id);
  if (error.code == ErrorCode::kOffline) return;  // the next Welcome sends it again
  if (error.code == ErrorCode::kRateLimited && error.retry_after_ms > 0) {
    return hold_back(Millis(error.retry_after_ms));  // it counts the session, not the conversation
  }
  Sending& one = sending(id);
  one.retry.start(
      error.code == ErrorCode::kTimeout
          ? Millis{0}
          : one.backoff->next(scheduler_.clock().steady_ms(), Millis(error.retry_after_ms)));
}

}  // namespace kith::client
