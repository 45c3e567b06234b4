// Pushes of ConversationService: what a decision tells the people whom it concerns.
#include <algorithm>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/services/conversation_service.h"
#include "server/services/wire.h"

namespace kith::server {

void ConversationService::decided(const LogEntry& entry, const Outcome& outcome,
                                  const Conversation& conversation) {
  if (outcome.large && !outcome.events.empty()) {
    push_to_large(entry, outcome, conversation);
  } else if (!outcome.events.empty()) {
    push_events(entry, outcome);
  }
  if (outcome.receipts_moved) push_receipts_soon(conversation);
  const auto* receipt = std::get_if<ReceiptOp>(&entry.record.op);
  if (receipt == nullptr || receipt->read_seq == 0 || outcome.marks.empty()) return;
  // Read here: the person's other devices clear their badge.
  v1::ServerFrame frame;
  auto* notice = frame.mutable_feed_notice();
  notice->set_ver(entry.position);
  notice->set_conversation_id(conversation.head.id.bytes());
  notice->set_last_seq(conversation.head.last_seq);
  fanout_.to_user(entry.record.sender, make_push(frame, DeliveryClass::kReceipt));
}

void ConversationService::push_events(const LogEntry& entry, const Outcome& outcome) {
  const auto origin = origins_.find(entry.record.command_id);
  const std::uint64_t except = origin == origins_.end() ? 0 : origin->second;
  const auto push = [&](const std::vector<UserId>& users, const UserId& reader) {
    v1::ServerFrame frame;
    for (const Event& event : outcome.events) {
      to_wire(event, reader, frame.mutable_event_push()->add_events());
    }
    Push p = make_push(frame, DeliveryClass::kEvent);
    p.conversation = outcome.events.back().conversation;
    p.last_seq = outcome.events.back().seq;
    p.ordinal = outcome.events.back().ordinal;
    fanout_.to_users(users, p, except);
  };
  const UserId& sender = entry.record.sender;
  if (!outcome.events.front().sender_only) return push(outcome.audience, sender);
  // Encoded once per kind of reader: the sender, and everybody else.
  std::vector<UserId> others = outcome.audience;
  std::erase(others, sender);
  push({sender}, sender);
  push(others, UserId());
}

void ConversationService::session_opened(const Caller& caller) {
  large_.opened(caller);
  cache_.large(caller.user, [this, alive = alive_, caller](Result<std::vector<FeedEntry>> groups) {
    // Without it the next sync finds what is missed.
    if (*alive && groups) large_.enter(caller.user, *groups);
  });
}

void ConversationService::session_closed(const Caller& caller) {
  large_.closed(caller);
}

// Whole events for those who take part, are mentioned, or have come or gone; for the others a head,
// not more often than every large_head_interval.
void ConversationService::push_to_large(const LogEntry& entry, const Outcome& outcome,
                                        const Conversation& conversation) {
  const Event& event = outcome.events.back();
  large_.changed(conversation, outcome.changed_members);
  const auto origin = origins_.find(entry.record.command_id);
  const std::uint64_t except = origin == origins_.end() ? 0 : origin->second;
  const std::int64_t now = scheduler_.clock().steady_ms();
  if (except != 0) large_.touch(event.conversation, except, now);
  v1::ServerFrame frame;
  to_wire(event, UserId(), frame.mutable_event_push()->add_events());
  Push push = make_push(frame, DeliveryClass::kEvent);
  push.conversation = event.conversation;
  push.last_seq = event.seq;
  push.ordinal = event.ordinal;
  std::vector<UserId> named = outcome.audience;
  for (const UserId& user : event.mentions) {
    const Member* member = find_member(conversation, user);
    if (member != nullptr && member->active()) named.push_back(user);
  }
  fanout_.to_users(named, push, except);
  fanout_.to_sessions(large_.reach(event.conversation, except, now).active, push);
  push_head(event.conversation, except);
}

void ConversationService::push_head(const ConversationId& id, std::uint64_t except) {
  const auto [pause, first] = head_pushes_.try_emplace(id, false);
  if (!first) {
    pause->second = true;
    return;
  }
  const Conversation* c = cache_.peek(id);
  if (c != nullptr) {
    v1::ServerFrame frame;
    auto* head = frame.mutable_head_push();
    head->set_conversation_id(id.bytes());
    head->set_last_seq(c->head.last_seq);
    head->set_ordinal(c->head.last_ordinal);
    Push push = make_push(frame, DeliveryClass::kEvent);
    push.conversation = id;
    push.last_seq = c->head.last_seq;
    push.ordinal = c->head.last_ordinal;
    const std::int64_t now = scheduler_.clock().steady_ms();
    fanout_.to_sessions(large_.reach(id, except, now).passive, push);
  }
  scheduler_.after(limits::large_head_interval, [this, alive = alive_, id] {
    if (!*alive) return;
    const bool moved = head_pushes_[id];
    head_pushes_.erase(id);
    if (moved) push_head(id, 0);
  });
}

void ConversationService::push_receipts_soon(const Conversation& conversation) {
  const Head& head = conversation.head;
  if (head.member_count > limits::receipt_detail_members_max) return;
  if (!receipt_pushes_.insert(head.id).second) return;
  const Millis wait = head.type == ConversationType::kDirect
                          ? Millis(limits::receipt_coalesce_direct)
                          : Millis(limits::receipt_coalesce_group);
  scheduler_.after(wait, [this, alive = alive_, id = head.id] {
    if (*alive) push_receipts(id);
  });
}

void ConversationService::push_receipts(const ConversationId& id) {
  receipt_pushes_.erase(id);
  const Conversation* c = cache_.peek(id);
  if (c == nullptr) return;
  v1::ServerFrame frame;
  auto* state = frame.mutable_receipt_push()->add_states();
  state->set_conversation_id(id.bytes());
  state->set_delivered_all_seq(c->head.delivered_all_seq);
  Push without_reads = make_push(frame, DeliveryClass::kReceipt);
  state->set_read_all_seq(c->head.read_all_seq);
  state->set_read_any_seq(c->head.read_any_seq);
  Push whole = make_push(frame, DeliveryClass::kReceipt);
  without_reads.conversation = whole.conversation =
      id;  // what waits for a socket already is merged
  for (const Member& m : c->members) {
    if (!m.active()) continue;
    // Who keeps their own reading private does not see others'.
    users_.with(m.user, [this, alive = alive_, user = m.user, whole,
                         without_reads](Result<Users::Record> who) {
      if (!*alive || !who || !*who) return;
      fanout_.to_user(user, (*who)->privacy.receipts ? whole : without_reads);
    });
  }
}

}  // namespace kith::server
