// New events on their way to sessions.
#include "server/delivery/event_pusher.h"

#include <algorithm>
#include <span>
#include <utility>

#include "kith/v1/frame.pb.h"
#include "server/records/wire.h"

namespace kith::server {
namespace {

constexpr std::size_t kPushBytes = 1024;  // a frame of this size costs twice a small one
// Pushes to listeners of large groups that have gathered while there was little to tell.
constexpr std::uint32_t kListenerBurstS = 2;

}  // namespace

EventPusher::EventPusher(ConversationShard& shard, Fanout& fanout, Scheduler& scheduler,
                         std::uint32_t large_pushes_per_s)
    : shard_(shard),
      fanout_(fanout),
      scheduler_(scheduler),
      spare_pushes_(large_pushes_per_s > 0),
      listener_rate_(BucketRate::per_s(large_pushes_per_s, kListenerBurstS * large_pushes_per_s)) {}

void EventPusher::decided(const LogEntry& entry, const Outcome& outcome,
                          const Conversation& conversation) {
  if (outcome.large || outcome.event == nullptr) flush();  // in their order
  if (outcome.event == nullptr) return;
  if (outcome.large) {
    push_to_large(entry, outcome, conversation);
  } else {
    batch_events(entry, outcome);
  }
}

void EventPusher::batch_events(const LogEntry& entry, const Outcome& outcome) {
  PushBatch& all = batch_;
  if (!all.takes(entry, outcome)) flush();
  all.add(entry, outcome);
  if (all.except == 0) flush();  // nobody's batch
}

void EventPusher::flush() {
  PushBatch& all = batch_;
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
  if (all.two_views) {  // encoded once per kind of reader: the sender, and everybody else
    push(all.frame, all.ordinal, std::span(&all.sender, 1));
    const auto gone = std::remove(all.audience.begin(), all.audience.end(), all.sender);
    all.audience.erase(gone, all.audience.end());
    push(all.others, all.others_ordinal, span_of(all.audience));
  } else {
    push(all.frame, all.ordinal, span_of(all.audience));
  }
}

// Whole events at once for those who take part, are mentioned, or have come or gone; see
// push_to_listeners() for the others.
void EventPusher::push_to_large(const LogEntry& entry, const Outcome& outcome,
                                const Conversation& conversation) {
  const Event& event = *outcome.event;
  large_.changed(conversation, span_of(outcome.changed_members));
  const std::uint64_t except = entry.record.origin_session;
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
  push_to_listeners(event, reach.passive, push);
}

// A listener who fetches what a head names costs more than two pushes; so listeners get events too, at
// once or a little later and several in one push, as far as listener_pushes_ goes.
void EventPusher::push_to_listeners(const Event& event, const std::vector<std::uint64_t>& listeners,
                                    const Push& push) {
  const ConversationId& id = event.conversation;
  if (const auto deferred = deferred_.find(id); deferred != deferred_.end()) {
    return deferred->second->add(event);
  }
  if (listeners.empty()) return;
  if (!push.frame) return push_head(id, listeners);  // too large for a frame
  if (!spare_pushes_) {
    push_head(id, listeners);
    deferred_[id] = std::make_unique<DeferredPush>(scheduler_.clock().steady_ms(), true);
    return push_deferred_after(id, Millis(limits::large_head_interval));
  }
  const std::uint32_t wait = take_pushes(listeners, *push.frame);
  if (wait == 0) return fanout_.to_sessions(listeners, push);
  auto& deferred = deferred_[id] = std::make_unique<DeferredPush>(scheduler_.clock().steady_ms());
  deferred->add(event);
  push_deferred_after(id, Millis(wait));
}

// Tokens for one push to each; 0, or the milliseconds until they are there.
std::uint32_t EventPusher::take_pushes(const std::vector<std::uint64_t>& listeners,
                                       const std::string& frame) {
  const std::size_t cost = listeners.size() * (1 + frame.size() / kPushBytes);
  return listener_pushes_.take(listener_rate_, static_cast<std::int64_t>(cost),
                               scheduler_.clock().steady_ms());
}

void EventPusher::push_deferred_after(const ConversationId& id, Millis wait) {
  wait = std::min(wait, Millis(limits::large_head_interval));
  scheduler_.after(wait, guard_.wrap([this, id] { push_deferred(id); }));
}

void EventPusher::push_deferred(const ConversationId& id) {
  DeferredPush& deferred = *deferred_.at(id);
  const Conversation* c = shard_.cached(id);
  if (!deferred.moved || c == nullptr) {
    deferred_.erase(id);
    return;
  }
  const std::int64_t now = scheduler_.clock().steady_ms();
  const auto listeners = large_.reach(id, 0, now).passive;
  const std::int64_t left = deferred.since_ms + Millis(limits::large_head_interval).count() - now;
  if (!deferred.head) {
    Push push = make_push(deferred.frame, DeliveryClass::kEvent);
    push.conversation = id;
    push.last_seq = c->head.last_seq;
    push.ordinal = c->head.last_ordinal;
    const std::uint32_t wait = push.frame ? take_pushes(listeners, *push.frame) : 1;
    if (wait == 0) {
      deferred_.erase(id);
      return fanout_.to_sessions(listeners, push);
    }
    if (left > 0) return push_deferred_after(id, Millis(std::min<std::int64_t>(wait, left)));
  } else if (left > 0) {
    return push_deferred_after(id, Millis(left));
  }
  push_head(id, listeners);
  deferred = DeferredPush(now, !spare_pushes_);  // they are busy fetching
  push_deferred_after(id, Millis(limits::large_head_interval));
}

void EventPusher::push_head(const ConversationId& id, const std::vector<std::uint64_t>& listeners) {
  const Conversation* c = shard_.cached(id);
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

}  // namespace kith::server
