// Pushes of ConversationService: what a decision tells the people whom it concerns.
#include <algorithm>
#include <span>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/services/conversation_service.h"
#include "server/services/gathered_push.h"
#include "server/services/owed_push.h"
#include "server/services/wire.h"
#include "src/wire_writer.h"

namespace kith::server {
namespace {

constexpr std::size_t kRestsAlong = 4;
constexpr std::size_t kPushBytes = 1024;  // a frame of this size costs twice a small one

}  // namespace

void ConversationService::decided(const LogEntry& entry, const Outcome& outcome,
                                  const Conversation& conversation) {
  if (outcome.large || outcome.event == nullptr) push_gathered();  // in their order
  if (outcome.large && outcome.event != nullptr) {
    push_to_large(entry, outcome, conversation);
  } else if (outcome.event != nullptr) {
    gather_events(entry, outcome);
  }
  const auto* receipt = std::get_if<ReceiptOp>(&entry.record.op);
  if (outcome.receipts_moved) {
    // Having received or sent says nothing about one's own messages.
    const bool own = receipt != nullptr ? receipt->read_seq == 0
                                        : std::holds_alternative<SendOp>(entry.record.op);
    push_receipts_soon(conversation, own ? entry.record.sender : UserId());
    // Of those that end by now a few go along with each that begins: one by one, not in a wave.
    for (std::size_t kind = 0; kind < rest_queues_.size(); ++kind) end_rests(kind, kRestsAlong);
  }
  if (receipt == nullptr || receipt->read_seq == 0 || outcome.marks.empty()) return;
  // Read here: the person's other devices clear their badge.
  v1::ServerFrame frame;
  auto* notice = frame.mutable_feed_notice();
  notice->set_ver(entry.position);
  notice->set_conversation_id(conversation.head.id.bytes());
  notice->set_last_seq(conversation.head.last_seq);
  fanout_.to_user(entry.record.sender, make_push(frame, DeliveryClass::kReceipt));
}

void ConversationService::gather_events(const LogEntry& entry, const Outcome& outcome) {
  GatheredPush& all = *gathered_;
  if (!all.takes(entry, outcome)) push_gathered();
  all.add(entry, outcome);
  if (all.except == 0) push_gathered();  // nobody's batch
}

void ConversationService::push_gathered() {
  GatheredPush& all = *gathered_;
  if (all.bytes == 0) return;
  all.bytes = 0;
  const auto push = [&](EventFrame& frame, std::uint64_t ordinal, std::span<const UserId> users) {
    Push p;
    p.frame = frame.take();
    p.conversation = all.conversation;
    p.last_seq = all.last_seq;
    p.ordinal = ordinal;
    fanout_.to_users(users, p, all.except);
  };
  if (all.two_sights) {  // encoded once per kind of reader: the sender, and everybody else
    push(all.frame, all.ordinal, std::span(&all.sender, 1));
    const auto gone = std::remove(all.audience.begin(), all.audience.end(), all.sender);
    all.audience.erase(gone, all.audience.end());
    push(all.others, all.others_ordinal, span_of(all.audience));
  } else {
    push(all.frame, all.ordinal, span_of(all.audience));
  }
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

// Whole events at once for those who take part, are mentioned, or have come or gone; see
// tell_listeners() for the others.
void ConversationService::push_to_large(const LogEntry& entry, const Outcome& outcome,
                                        const Conversation& conversation) {
  const Event& event = *outcome.event;
  large_.changed(conversation, span_of(outcome.changed_members));
  const std::uint64_t except = entry.record.reply_token;
  const std::int64_t now = scheduler_.clock().steady_ms();
  if (except != 0) large_.touch(event.conversation, except, now);
  v1::ServerFrame frame;
  to_wire(event, UserId(), frame.mutable_event_push()->add_events());
  Push push = make_push(frame, DeliveryClass::kEvent);
  push.conversation = event.conversation;
  push.last_seq = event.seq;
  push.ordinal = event.ordinal;
  UserList named = outcome.audience;
  for (const UserId& user : event.mentions) {
    const Member* member = find_member(conversation, user);
    if (member != nullptr && member->active()) named.push_back(user);
  }
  fanout_.to_users(span_of(named), push, except);
  const auto reach = large_.reach(event.conversation, except, now);
  fanout_.to_sessions(reach.active, push);
  tell_listeners(event, reach.passive, push);
}

// Who fetches what a head names costs more than twice what a push costs; so listeners get events too, at
// once or a little later and several in one push, as far as listener_pushes_ goes.
void ConversationService::tell_listeners(const Event& event,
                                         const std::vector<std::uint64_t>& listeners,
                                         const Push& push) {
  const ConversationId& id = event.conversation;
  if (const auto owed = owed_.find(id); owed != owed_.end()) {
    return owed->second->add(event);
  }
  if (listeners.empty()) return;
  if (!push.frame) return push_head(id, listeners);  // too large for a frame
  if (!spare_pushes_) {
    push_head(id, listeners);
    owed_[id] = std::make_unique<OwedPush>(scheduler_.clock().steady_ms(), true);
    return pay_after(id, Millis(limits::large_head_interval));
  }
  const std::uint32_t wait = take_pushes(listeners, *push.frame);
  if (wait == 0) return fanout_.to_sessions(listeners, push);
  auto& owed = owed_[id] = std::make_unique<OwedPush>(scheduler_.clock().steady_ms());
  owed->add(event);
  pay_after(id, Millis(wait));
}

// Tokens for one push to each; 0, or the milliseconds until they are there.
std::uint32_t ConversationService::take_pushes(const std::vector<std::uint64_t>& listeners,
                                               const std::string& frame) {
  const std::size_t cost = listeners.size() * (1 + frame.size() / kPushBytes);
  return listener_pushes_.take(listener_rate_, static_cast<std::int64_t>(cost),
                               scheduler_.clock().steady_ms());
}

void ConversationService::pay_after(const ConversationId& id, Millis wait) {
  wait = std::min(wait, Millis(limits::large_head_interval));
  scheduler_.after(wait, [this, alive = alive_, id] {
    if (*alive) pay(id);
  });
}

void ConversationService::pay(const ConversationId& id) {
  OwedPush& owed = *owed_.at(id);
  const Conversation* c = cache_.peek(id);
  if (!owed.moved || c == nullptr) {
    owed_.erase(id);
    return;
  }
  const std::int64_t now = scheduler_.clock().steady_ms();
  const auto listeners = large_.reach(id, 0, now).passive;
  const std::int64_t left = owed.since_ms + Millis(limits::large_head_interval).count() - now;
  if (!owed.head) {
    Push push = make_push(owed.frame, DeliveryClass::kEvent);
    push.conversation = id;
    push.last_seq = c->head.last_seq;
    push.ordinal = c->head.last_ordinal;
    const std::uint32_t wait = push.frame ? take_pushes(listeners, *push.frame) : 1;
    if (wait == 0) {
      owed_.erase(id);
      return fanout_.to_sessions(listeners, push);
    }
    if (left > 0) return pay_after(id, Millis(std::min<std::int64_t>(wait, left)));
  } else if (left > 0) {
    return pay_after(id, Millis(left));
  }
  push_head(id, listeners);
  owed = OwedPush(now, !spare_pushes_);  // they are busy fetching
  pay_after(id, Millis(limits::large_head_interval));
}

void ConversationService::push_head(const ConversationId& id,
                                    const std::vector<std::uint64_t>& listeners) {
  const Conversation* c = cache_.peek(id);
  if (c == nullptr) return;
  v1::ServerFrame frame;
  auto* head = frame.mutable_head_push();
  head->set_conversation_id(id.bytes());
  head->set_last_seq(c->head.last_seq);
  head->set_ordinal(c->head.last_ordinal);
  Push push = make_push(frame, DeliveryClass::kEvent);
  push.conversation = id;
  push.last_seq = c->head.last_seq;
  push.ordinal = c->head.last_ordinal;
  fanout_.to_sessions(listeners, push);
}

// At once after a pause; within it, when it is over. Whoever ended the pause has been told nothing yet,
// and does not wait for the first receipt of what they wrote.
void ConversationService::push_receipts_soon(const Conversation& conversation,
                                             const UserId& mover) {
  const Head& head = conversation.head;
  if (head.member_count > limits::receipt_detail_members_max) return;
  const auto [rest, rested] = receipt_rests_.try_emplace(head.id);
  if (!rested) {
    ReceiptRest& known = rest.value();
    if (!known.untold.empty() && known.untold != mover) {
      const UserId reader = std::exchange(known.untold, UserId());
      std::array<Push, 2> made;
      push_receipts_to(head.id, reader, made);
      // In a 1:1 nobody else is to be told of what this person has moved.
      if (head.type == ConversationType::kDirect && !mover.empty()) return;
    }
    if (known.moved && known.mover != mover) known.mover = UserId();
    if (!known.moved) known.mover = mover;
    known.moved = true;
    return;
  }
  rest.value().untold = mover;
  rest_receipts(head.id, head.type == ConversationType::kDirect ? 0 : 1);
  push_receipts(head.id, mover);
}

void ConversationService::rest_receipts(const ConversationId& id, std::size_t kind) {
  RestQueue& queue = rest_queues_[kind];
  queue.ends.emplace_back(scheduler_.clock().steady_ms() + queue.pause.count(), id);
  time_rests(kind);
}

void ConversationService::time_rests(std::size_t kind) {
  RestQueue& queue = rest_queues_[kind];
  if (queue.timer != 0 || queue.ends.empty()) return;
  const std::int64_t wait = queue.ends.front().first - scheduler_.clock().steady_ms();
  queue.timer = scheduler_.after(Millis(std::max<std::int64_t>(0, wait)), [this, kind] {
    rest_queues_[kind].timer = 0;
    end_rests(kind, rest_queues_[kind].ends.size());
    time_rests(kind);
  });
}

void ConversationService::end_rests(std::size_t kind, std::size_t most) {
  RestQueue& queue = rest_queues_[kind];
  if (queue.ends.empty()) return;
  const std::int64_t now = scheduler_.clock().steady_ms();
  for (; most > 0 && !queue.ends.empty() && queue.ends.front().first <= now; --most) {
    const ConversationId id = queue.ends.front().second;
    queue.ends.pop_front();
    const auto rest = receipt_rests_.find(id);
    if (!rest->second.moved) {
      receipt_rests_.erase(rest);
      continue;
    }
    const UserId mover = std::exchange(rest.value(), ReceiptRest{}).mover;
    rest.value().untold = mover;
    queue.ends.emplace_back(now + queue.pause.count(), id);
    push_receipts(id, mover);
  }
}

// Not to who moved them: only others' messages have another status now.
void ConversationService::push_receipts(const ConversationId& id, const UserId& mover) {
  const Conversation* c = cache_.peek(id);
  if (c == nullptr) return;
  std::array<Push, 2> made;
  for (const Member& m : c->members) {
    if (m.active() && m.user != mover) push_receipts_to(id, m.user, made);
  }
}

// `made`: of the conversation, without what others have read, and with it.
void ConversationService::push_receipts_to(const ConversationId& id, const UserId& reader,
                                           std::array<Push, 2>& made) {
  const Conversation* c = cache_.peek(id);
  const Member* member = c == nullptr ? nullptr : find_member(*c, reader);
  if (member == nullptr || !member->active()) return;
  const UserRecord* who = users_.at_hand(reader);
  if (who == nullptr) {
    users_.with(reader, [this, alive = alive_, id](Result<Users::Record> loaded) {
      if (!*alive || !loaded || !*loaded) return;
      const Conversation* now = cache_.peek(id);
      if (now == nullptr) return;
      fanout_.to_user((*loaded)->id, receipt_push(*now, (*loaded)->privacy.receipts));
    });
    return;
  }
  // A person who keeps their own reading private does not see others'.
  Push& push = made[who->privacy.receipts ? 1 : 0];
  if (!push.frame) push = receipt_push(*c, who->privacy.receipts);
  fanout_.to_user(reader, push);
}

Push ConversationService::receipt_push(const Conversation& conversation, bool reads) {
  using State = v1::ReceiptState;
  const Head& head = conversation.head;
  FrameBuffer& buffer = receipt_frames_[reads ? 1 : 0];
  WireWriter out(buffer.begin());
  const std::size_t frame = out.open(v1::ServerFrame::kReceiptPushFieldNumber);
  const std::size_t state = out.open(v1::ReceiptPush::kStatesFieldNumber);
  out.bytes(State::kConversationIdFieldNumber, head.id.view());
  out.number(State::kDeliveredAllSeqFieldNumber, head.delivered_all_seq);
  if (reads) {
    out.number(State::kReadAllSeqFieldNumber, head.read_all_seq);
    out.number(State::kReadAnySeqFieldNumber, head.read_any_seq);
  }
  out.close(state);
  out.close(frame);
  Push push;
  push.frame = buffer.share();
  push.cls = DeliveryClass::kReceipt;
  push.conversation = head.id;  // so that what waits for a socket already is merged
  return push;
}

}  // namespace kith::server
