// Blocks: a change that is announced or asked for becomes a record.
#include "server/commands/blocks.h"

#include "kith/core/limits.h"
#include "server/conversation/decide.h"
#include "server/conversation/refusals.h"
#include "server/requests/consent.h"

namespace kith::server {

void Blocks::settle(const ConversationId& id, const UserId& member, const UserId& other,
                    Done<void> then) {
  const Key key{id, member};
  Waiting& waiting = waiting_[key];
  waiting.other = other;
  waiting.then.push_back(std::move(then));
  if (waiting.then.size() == 1) question(key);
}

void Blocks::question(const Key& key) {
  Waiting& waiting = waiting_.at(key);
  waiting.changed = false;
  const UserId other = waiting.other;  // it may be settled inside the call
  relations_.relation(
      key.second, other,
      guard_.wrap([this, key, round = round_](const Result<std::optional<Consent>>& answer) {
        if (!answer) return settled(key, answer.error());
        if (!*answer) return settled(key, no_such_users({key.second}));
        const bool old = round != round_ || waiting_.at(key).changed;
        old ? question(key) : answered(key, (*answer)->blocked);
      }));
}

void Blocks::answered(const Key& key, bool on) {
  const Conversation* c = shard_.cached(key.first);
  const Member* member = c == nullptr ? nullptr : find_member(*c, key.second);
  if (member != nullptr && member->blocks == on) {
    note(key, waiting_.at(key).other);
    return settled(key, {});
  }
  log(key.first, key.second, on,
      guard_.wrap([this, key, round = round_](const Result<Outcome>& logged) {
        if (!logged) return settled(key, temporary(logged.error()));
        if (round != round_ || waiting_.at(key).changed) return question(key);
        note(key, waiting_.at(key).other);
        settled(key, {});
      }));
}

void Blocks::settled(const Key& key, const Status& status) {
  const Guard::Watch here = guard_.watch();  // a callback may destroy this
  auto waiting = waiting_.extract(key);
  for (auto& then : waiting.mapped().then) {
    if (!here.gone()) then(status);
  }
}

// Forgetting costs a question, nothing else.
void Blocks::note(const Key& key, const UserId& other) {
  if (known_.size() >= limits::conversations_cached_max) known_.clear();
  known_[key.first][side_of(key.second, other)] = round_;
}

void Blocks::set(const UserId& by, const UserId& other, bool on, Done<void> done) {
  if (!shard_.ownership().serving()) return done(LogOwnership::not_serving());
  const ConversationId id = ConversationId::direct(by, other);
  if (const auto asked = waiting_.find({id, by}); asked != waiting_.end()) {
    asked->second.changed = true;
  }
  const auto forget = [this, id, by, other] {
    if (const auto found = known_.find(id); found != known_.end()) {
      found.value()[side_of(by, other)] = 0;
    }
  };
  if (shard_.cached(id) == nullptr) {  // its next message asks
    forget();
    return done({});
  }
  log(id, by, on, guard_.wrap([forget, done = std::move(done)](const Result<Outcome>& logged) {
    if (!logged) forget();
    done({});
  }));
}

void Blocks::log(const ConversationId& id, const UserId& by, bool on, CommandAnswer answer) {
  LogRecord record;
  record.conversation = id;
  record.sender = by;
  record.gateway_ts_ms = scheduler_.clock().wall().ms;
  record.rules_version = kRulesVersion;
  record.op = BlockOp{on};
  shard_.append(std::move(record), std::move(answer));
}

}  // namespace kith::server
