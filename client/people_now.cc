// PeopleNow: subscriptions, typing notices and when they are no longer believed.
#include "client/people_now.h"

#include <algorithm>

#include "client/wire_ids.h"
#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"

namespace kith::client {

PeopleNow::PeopleNow(Connection& connection, Scheduler& scheduler, std::function<void(Event)> emit)
    : connection_(connection),
      scheduler_(scheduler),
      emit_(std::move(emit)),
      most_(limits::presence_subscriptions_max) {}

void PeopleNow::watch(const std::vector<UserId>& users) {
  std::set<UserId> wanted;
  for (const UserId& user : users) {
    if (wanted.size() < most_) wanted.insert(user);
  }
  v1::ClientFrame frame;
  v1::PresenceSubscribe& subscribe = *frame.mutable_presence_subscribe();
  for (const UserId& user : wanted) {
    if (!watched_.count(user)) subscribe.add_add(user.bytes());
  }
  for (const UserId& user : watched_) {
    if (!wanted.count(user)) subscribe.add_remove(user.bytes());
  }
  watched_ = std::move(wanted);
  if (subscribe.add_size() + subscribe.remove_size() > 0) connection_.send(frame);
}

void PeopleNow::on_welcome(std::size_t most) {
  most_ = most;
  const std::vector<UserId> watched(watched_.begin(), watched_.end());
  watched_.clear();
  watch(watched);
}

void PeopleNow::on_lost() {
  for (const UserId& user : watched_) emit_(PresenceChanged{user, Presence::kUnknown, {}});
}

void PeopleNow::on_push(const v1::ServerFrame& frame) {
  if (frame.has_typing_push()) {
    const v1::TypingPush& push = frame.typing_push();
    const Millis ttl = push.ttl_ms() ? std::min<Millis>(Millis(push.ttl_ms()), limits::typing_ttl)
                                     : Millis(limits::typing_ttl);
    on_typing(id_of<ConversationId>(push.conversation_id()), id_of<UserId>(push.user_id()),
              push.activity() == v1::ACTIVITY_TYPING, ttl);
  } else if (frame.has_presence_push()) {
    const v1::PresencePush& push = frame.presence_push();
    emit_(PresenceChanged{id_of<UserId>(push.user_id()), static_cast<Presence>(push.state()),
                          Timestamp{static_cast<std::int64_t>(push.last_seen_ms())}});
  }  // else: of a newer release, or the late answer to a request that has been given up
}

void PeopleNow::on_typing(const ConversationId& id, const UserId& user, bool typing, Millis ttl) {
  const auto key = std::make_pair(id, user);
  const auto it = typing_.find(key);
  const bool was = it != typing_.end();
  if (!was && (!typing || typing_.size() >= limits::sync_delta_max)) return;
  if (typing) {
    typing_
        .try_emplace(key, scheduler_, [this, id, user] { on_typing(id, user, false, Millis{0}); })
        .first->second.start(ttl);
  } else {
    typing_.erase(it);
  }
  if (typing != was) emit_(TypingChanged{id, user, typing});
}

void PeopleNow::set_typing(const ConversationId& id, bool typing) {
  if (!connection_.ready()) return;
  const std::int64_t now = scheduler_.clock().steady_ms();
  const auto it = typing_sent_.find(id);
  if (typing && it != typing_sent_.end() &&
      now - it->second < Millis(limits::typing_interval).count())
    return;
  if (!typing && it == typing_sent_.end()) return;
  if (typing) {
    typing_sent_[id] = now;
  } else {
    typing_sent_.erase(it);
  }
  v1::ClientFrame frame;
  frame.mutable_set_typing()->set_conversation_id(id.bytes());
  frame.mutable_set_typing()->set_activity(typing ? v1::ACTIVITY_TYPING : v1::ACTIVITY_STOPPED);
  connection_.send(frame);
}

}  // namespace kith::client
