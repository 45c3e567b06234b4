// Invariants 2, 10 and 12.
#include "tests/simulation/checkers/order.h"

namespace kith::sim {
namespace {

// Steps that a clock may make by itself.
constexpr std::int64_t kClockStepMs = 60'000;

}  // namespace

void OrderChecker::logged(std::uint32_t partition, const server::LogEntry& entry) {
  logged_at_[{partition, entry.position}] = entry.record.gateway_ts_ms;
}

// Each member's count rises by one with each message that they see, and not otherwise.
std::string OrderChecker::miscount(const server::Event& event, Last& last) const {
  for (const auto& [user, member] :
       truth_.store_of(event.conversation).members.at(event.conversation)) {
    const bool counts = event.countable || (event.sender_only && event.sender == user);
    const std::uint64_t now = server::ordinal_for(event, user);
    // A new member's count begins anywhere.
    const std::uint64_t one = counts ? 1 : 0;
    std::uint64_t& before = last.ordinals.try_emplace(user, now - one).first->second;
    const bool right = now == before + one;
    if (!right) {
      return "ordinal " + std::to_string(now) + " after " + std::to_string(before) + " to " +
             brief(user);
    }
    before = now;
  }
  return "";
}

// The latest time there was, or the clock's where that was set back.
bool OrderChecker::right_time(std::uint32_t partition, const server::Event& event,
                              std::int64_t last_ms) const {
  const auto clock = logged_at_.find({partition, event.position});
  if (clock == logged_at_.end()) return event.server_ts_ms >= last_ms;
  const bool set_back = clock->second + kClockStepMs < last_ms;
  return event.server_ts_ms == (set_back ? clock->second : std::max(last_ms, clock->second));
}

void OrderChecker::applied(std::uint32_t partition, const server::StoreBatch& batch) {
  for (const server::EventPtr& event : batch.events) stored(partition, *event);
  for (const server::Head& head : batch.heads) ends_with_its_events(head.id);
  server::Position& applied = applied_[partition];
  applied = std::max(applied, batch.position);
}

// A head is on the disk with all events that it counts.
void OrderChecker::ends_with_its_events(const ConversationId& id) {
  const Truth::Store& store = truth_.store_of(id);
  const auto events = store.events.find(id);
  const std::uint64_t last =
      events == store.events.end() || events->second.empty() ? 0 : events->second.rbegin()->first;
  const std::uint64_t counted = store.heads.at(id).last_seq;
  if (counted == last) return;
  broken(2, "conversation " + brief(id) + " ends at " + std::to_string(counted) +
                ", its last event is " + std::to_string(last));
}

void OrderChecker::stored(std::uint32_t partition, const server::Event& event) {
  const auto [known, fresh] = last_.try_emplace(event.conversation);
  Last& last = known->second;
  const auto& events = truth_.store_of(event.conversation).events.at(event.conversation);
  if (const auto before = events.find(event.seq - 1); fresh && before != events.end()) {
    // The run began with this history.
    last = {before->first, {}, before->second.server_ts_ms};
    for (const auto& [user, member] :
         truth_.store_of(event.conversation).members.at(event.conversation)) {
      last.ordinals[user] = server::ordinal_for(before->second, user);
    }
  }
  const std::string name = brief(event.conversation) + "/" + std::to_string(event.seq);
  if (event.seq <= last.seq) {
    const server::Event& first = events.at(event.seq);
    if (first == event) return;
    return broken(first.position == event.position ? 1 : 2,
                  "event " + name + " is stored and something else is to be stored there");
  }
  if (event.position <= applied_[partition]) {
    return broken(12, "event " + name + " comes from record " + std::to_string(event.position) +
                          ", which was applied before without it");
  }
  if (event.seq != last.seq + 1) {
    return broken(2, "event " + name + " follows " + std::to_string(last.seq));
  }
  if (!right_time(partition, event, last.ts_ms))
    return broken(10, "event " + name + " has a wrong time");
  const std::string wrong = miscount(event, last);
  if (!wrong.empty()) return broken(2, "event " + name + " has " + wrong);
  last.seq = event.seq;
  last.ts_ms = event.server_ts_ms;
}

void OrderChecker::cached(const Who& who, const client::CacheChange& change) {
  for (const client::StoredEvent& event : change.events) held(who, event);
  // Also where the process ended before it could say so.
  for (const client::OutboxRow& row : change.outbox_put) {
    if (row.failed) failed_.insert(row.id);
  }
}

void OrderChecker::held(const Who& who, const client::StoredEvent& stored) {
  v1::Event event;
  event.ParseFromString(stored.bytes);
  v1::Event& first = seen_.try_emplace({stored.conversation, stored.seq}, event).first->second;
  const std::string name = brief(stored.conversation) + "/" + std::to_string(stored.seq);
  const std::uint64_t ordinal =
      seen_ordinals_.try_emplace({stored.conversation, stored.seq, who.user}, event.ordinal())
          .first->second;
  const bool times = first.server_ts_ms() == event.server_ts_ms() && ordinal == event.ordinal();
  if (!times) return broken(2, who.name + " has another time or ordinal for event " + name);
  if (event.kind() == v1::EVENT_KIND_VOID) return;
  if (first.kind() == v1::EVENT_KIND_VOID) first = event;
  if (first.message_id() != event.message_id() || first.sender() != event.sender() ||
      first.body() != event.body() || first.kind() != event.kind()) {
    broken(2, who.name + " has another event " + name + " than a device before");
  }
}

void OrderChecker::accepted(const Who& who, const Sent& sent) {
  sent_[{who.device, sent.conversation}].push_back(sent.id);
}

void OrderChecker::told(const Who&, const client::Event& event) {
  const auto* changed = std::get_if<client::MessageChanged>(&event);
  if (changed != nullptr && changed->message.status == DeliveryStatus::kFailed) {
    failed_.insert(changed->message.id);
  }
}

void OrderChecker::at_rest() {
  for (const auto& [conversation, events] : truth_.events()) {
    if (events.size() != events.rbegin()->first) {
      broken(2, "conversation " + brief(conversation) + " ends at " +
                    std::to_string(events.rbegin()->first) + " and has " +
                    std::to_string(events.size()) + " events");
    }
    ends_with_its_events(conversation);
  }
  std::map<std::pair<ConversationId, MessageId>, std::uint64_t> seq_of;
  for (const auto& [conversation, events] : truth_.events()) {
    for (const auto& [seq, event] : events) seq_of[{conversation, event.message_id}] = seq;
  }
  for (const auto& [key, ids] : sent_) {
    std::uint64_t before = 0;
    for (const MessageId& id : ids) {
      const auto seq = seq_of.find({key.second, id});
      if (seq == seq_of.end() || failed_.contains(id)) continue;
      if (seq->second < before) {
        broken(2, "message " + brief(id) + " of " + truth_.devices[key.first].name + " stands at " +
                      std::to_string(seq->second) + ", one that was sent earlier at " +
                      std::to_string(before));
      }
      before = seq->second;
    }
  }
}

}  // namespace kith::sim
