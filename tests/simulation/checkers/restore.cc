// Invariant 29.
#include "tests/simulation/checkers/restore.h"

#include <algorithm>
#include <utility>

namespace kith::sim {

RestoreChecker::RestoreChecker(const Truth& truth, Findings& findings) : Checker(truth, findings) {
  for (const auto& [id, events] : truth.events()) kept_[id] = events;
  for (const Who& who : truth.devices) knows(who);
}

void RestoreChecker::knows(const Who& who) {
  const CacheDisk& disk = truth_.disk(who.device);
  const auto add = [&](const ConversationId& conversation, const MessageId& id) {
    Known& known = known_[{who.user, id}];
    known.conversation = conversation;
    known.devices.insert(who.device);
  };
  for (const auto& [conversation, events] : disk.cache.events) {
    for (const auto& [seq, stored] : events) {
      v1::Event event;
      event.ParseFromString(stored.bytes);
      const bool own = event.sender() == who.user.bytes();
      if (own && event.kind() == v1::EVENT_KIND_MESSAGE) add(conversation, stored.message);
    }
  }
  for (const auto& [id, row] : disk.outbox) {
    v1::OutMessage out;
    if (row.kind != client::OutboxKind::kMessage || row.failed) continue;
    // A reply to a rejected message is rejected, with or without a restore.
    if (out.ParseFromString(row.payload) && out.reply_to_message_id().empty()) {
      add(row.conversation, id);
    }
  }
}

void RestoreChecker::discarded(const Who& who, const MessageId& id) {
  known_.erase({who.user, id});
}

// A device that loses its data by itself cannot send it again.
void RestoreChecker::rolled_back(const Who& who) {
  const auto& outbox = truth_.disk(who.device).outbox;
  for (auto& [key, known] : known_) {
    if (!outbox.contains(key.second)) known.devices.erase(who.device);
  }
  std::erase_if(known_, [](const auto& entry) { return entry.second.devices.empty(); });
}

bool RestoreChecker::may_write(const UserId& user, const ConversationId& id) const {
  const auto& all = truth_.store_of(id).members;
  const auto members = all.find(id);
  if (members == all.end()) return false;  // it began after the copy
  const auto member = members->second.find(user);
  // A member who was taken in again may have been refused before.
  return member != members->second.end() && member->second.active() && member->second.join_seq <= 1;
}

// As one that was refused, which its owner sees and may send again. Where the copy has the conversation only what the
// lost history has refused itself: a number of it is no reason.
bool RestoreChecker::stays_refused(const ConversationId& conversation, const MessageId& id,
                                   const UserId& user) const {
  if (kept_.contains(conversation) && !refused_.contains(id)) return false;
  return std::any_of(truth_.devices.begin(), truth_.devices.end(), [&](const Who& who) {
    return who.user == user && truth_.disk(who.device).outbox.contains(id);
  });
}

void RestoreChecker::at_rest() {
  for (const auto& [id, events] : kept_) {
    const auto& all = truth_.store_of(id).events;
    const auto now = all.find(id);
    for (const auto& [seq, event] : events) {
      const bool there =
          now != all.end() && now->second.contains(seq) && now->second.at(seq) == event;
      if (!there)
        broken(29, "event " + brief(id) + "/" + std::to_string(seq) + " of the copy is gone");
    }
  }
  std::set<MessageId> stored;
  for (const auto& [id, events] : truth_.events()) {
    for (const auto& [seq, event] : events) stored.insert(event.message_id);
  }
  for (const auto& [key, known] : known_) {
    const auto& [user, id] = key;
    if (stored.contains(id) || !may_write(user, known.conversation)) continue;
    if (stays_refused(known.conversation, id, user)) continue;
    broken(29, "message " + brief(id) + " was known to " +
                   truth_.devices[*known.devices.begin()].name + " and did not come back");
  }
}

}  // namespace kith::sim
