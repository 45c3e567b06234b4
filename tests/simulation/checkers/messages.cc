// Invariants 1, 3 and 14: a SENT message is stored for ever, once, and every accepted one gets
// there.
#include "tests/simulation/checkers/messages.h"

#include <algorithm>
#include <set>

namespace kith::sim {

namespace {

std::string text_of(const std::string& body) {
  v1::Content content;
  return content.ParseFromString(body) ? content.plain().text() : std::string();
}

}  // namespace

void MessagesChecker::placed(const ConversationId& conversation, const MessageId& id,
                             std::uint64_t seq, const std::string& seen_by) {
  const auto [known, fresh] = placed_.try_emplace({conversation, id}, seq);
  if (!fresh && known->second != seq) {
    broken(3, "message " + brief(id) + " was placed at " + std::to_string(known->second) +
                  ", now " + seen_by + " is told " + std::to_string(seq));
  }
}

void MessagesChecker::asks(const Who& who, const v1::ClientFrame& frame) {
  if (!frame.has_create_conversation()) return;
  const auto id = ConversationId::from_bytes(frame.create_conversation().conversation_id());
  if (id) creations_.insert_or_assign({who.device, frame.req_id()}, *id);
}

void MessagesChecker::server_says(const Who& who, const v1::ServerFrame& frame) {
  if (frame.has_event_push()) {
    for (const auto& event : frame.event_push().events()) see(who, event);
  } else if (frame.has_events_page()) {
    for (const auto& event : frame.events_page().events()) see(who, event);
  }
  const auto creation = creations_.find({who.device, frame.reply_to()});
  if (creation != creations_.end()) {
    if (frame.has_error() && !frame.error().users().empty()) {
      denied_.insert({who.user, creation->second});
    }
    creations_.erase(creation);
  }
  if (frame.has_error()) {
    for (const std::string& bytes : frame.error().users()) {
      const UserId other = UserId::from_bytes(bytes).value();
      denied_.insert({who.user, ConversationId::direct(who.user, other)});
    }
  }
  if (!frame.has_send_result()) return;
  const auto conversation =
      ConversationId::from_bytes(frame.send_result().conversation_id()).value();
  for (const auto& item : frame.send_result().items()) {
    if (!item.has_placed()) continue;
    const MessageId id = MessageId::from_bytes(item.message_id()).value();
    if (!logged_.contains(id)) {
      broken(1, "message " + brief(id) + " was answered before it was durable");
    }
    placed(conversation, id, item.placed().seq(), who.name);
  }
}

void MessagesChecker::see(const Who& who, const v1::Event& event) {
  if (event.kind() != v1::EVENT_KIND_MESSAGE) return;
  placed(ConversationId::from_bytes(event.conversation_id()).value(),
         MessageId::from_bytes(event.message_id()).value(), event.seq(), who.name);
}

// Messages that its own answered may stand elsewhere, or be gone.
void MessagesChecker::forgot_history(const Who& who) {
  for (Accepted& accepted : accepted_) {
    if (accepted.who.device == who.device) accepted.sent.reply_to = MessageId();
  }
}

void MessagesChecker::logged(std::uint32_t /*partition*/, const server::LogEntry& entry) {
  logged_.insert(entry.record.command_id);
}

void MessagesChecker::accepted(const Who& who, const Sent& sent) {
  accepted_.push_back({who, sent, sent.reply_to});
}

void MessagesChecker::cached(const Who&, const client::CacheChange& change) {
  for (const client::OutboxRow& row : change.outbox_put) {
    if (row.failed) refused_.insert(row.id);
  }
}

void MessagesChecker::told(const Who& who, const client::Event& event) {
  const auto* changed = std::get_if<client::MessageChanged>(&event);
  if (changed == nullptr || !changed->message.mine || !changed->message.seq) return;
  if (changed->message.kind != MessageKind::kText) return;
  placed(changed->message.conversation, changed->message.id, changed->message.seq.value, who.name);
}

void MessagesChecker::at_rest() {
  std::map<std::pair<ConversationId, MessageId>, const server::Event*> stored;
  for (const auto& [conversation, events] : truth_.events()) {
    for (const auto& [seq, event] : events) {
      if (event.kind != server::EventKind::kMessage) continue;
      const auto [earlier, fresh] = stored.try_emplace({conversation, event.message_id}, &event);
      if (!fresh) {
        broken(3, "message " + brief(event.message_id) + " is stored at " +
                      std::to_string(earlier->second->seq) + " and at " + std::to_string(seq));
      }
    }
  }
  for (const auto& [key, seq] : placed_) {
    const auto event = stored.find(key);
    if (event == stored.end()) {
      broken(1, "message " + brief(key.second) + " was SENT as " + std::to_string(seq) +
                    " and is not stored");
    } else if (event->second->seq != seq) {
      broken(1, "message " + brief(key.second) + " was SENT as " + std::to_string(seq) +
                    " and is stored as " + std::to_string(event->second->seq));
    }
  }
  for (const Accepted& accepted : accepted_) judge(accepted, stored);
}

void MessagesChecker::judge(const Accepted& accepted, const Stored& stored) {
  if (truth_.gone(accepted.who.user)) return;  // whose outbox goes nowhere
  const Sent& sent = accepted.sent;
  const auto found = stored.find({sent.conversation, sent.id});
  const auto& outbox = truth_.disk(accepted.who.device).outbox;
  const auto row = outbox.find(sent.id);
  const std::string name = "message " + brief(sent.id) + " of " + accepted.who.name;
  if (found == stored.end()) {
    if (discarded_.contains(sent.id)) return;
    if (row != outbox.end() && row->second.failed && could_be_refused(accepted)) return;
    // The creation that made the sender a member went with the history that a restore has lost. It may
    // come again by the device that asked for it, and the message by hand.
    if (row != outbox.end() && row->second.failed == ErrorCode::kNotMember && truth_.restored()) {
      return;
    }
    if (row != outbox.end() && row->second.failed == ErrorCode::kNotFound &&
        refused_.contains(accepted.answered)) {
      return;
    }
    // The device has forgotten the message of the number, and that it is of a lost history.
    if (row != outbox.end() && row->second.failed == ErrorCode::kNotFound && truth_.restored() &&
        rolled_back_.contains(accepted.who.device)) {
      return;
    }
    // Two clocks that were set by about as much look like time that has passed.
    if (row != outbox.end() && row->second.failed == ErrorCode::kExpired &&
        truth_.clocks_were_set(accepted.who.device)) {
      return;
    }
    return broken(14, name + (row == outbox.end()  ? " is nowhere"
                              : row->second.failed ? " failed without a reason"
                                                   : " was never sent"));
  }
  if (text_of(found->second->body) != sent.text) {
    return broken(1, name + " is stored with another text");
  }
  // A row whose event is here is left over from a crash, and not seen by anybody.
  const auto& held = truth_.disk(accepted.who.device).cache.events;
  const auto events = held.find(sent.conversation);
  const bool known = events != held.end() && events->second.contains(found->second->seq);
  if (row != outbox.end() && !known) return broken(3, name + " is stored, and in the outbox too");
  const auto answered = stored.find({sent.conversation, sent.reply_to});
  if (answered != stored.end() && found->second->reply_to_seq != answered->second->seq) {
    broken(1, name + " answers " + std::to_string(answered->second->seq) + " and is stored as an" +
                  " answer to " + std::to_string(found->second->reply_to_seq));
  }
}

// Only from a user who is or was no member, or wrote to a conversation that was never created.
bool MessagesChecker::could_be_refused(const Accepted& accepted) const {
  const Truth::Store& store = truth_.store_of(accepted.sent.conversation);
  const auto events = store.events.find(accepted.sent.conversation);
  if (events == store.events.end()) return true;
  // A conversation that was created later: by the other user, when they allow it, or by an earlier
  // request, which was on its way when its repetition was refused.
  if (denied_.contains({accepted.who.user, accepted.sent.conversation})) return true;
  const auto& members = store.members.at(accepted.sent.conversation);
  const bool left_alone = accepted.sent.conversation.is_direct() &&
                          std::any_of(members.begin(), members.end(),
                                      [this](const auto& m) { return truth_.gone(m.first); });
  if (left_alone) return true;
  const auto member = members.find(accepted.who.user);
  return member == members.end() || !member->second.active() || member->second.join_seq > 1;
}

}  // namespace kith::sim
