// Model: what this device knows of its account: conversations, ranges and people in memory, events
// in the store. Every change is committed before it is visible, and emitted as an event afterwards.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/cache_store.h"
#include "client/hand_marks.h"
#include "client/shown_rows.h"
#include "kith/client/types.h"
#include "kith/core/time.h"

namespace kith::v1 {
class ConversationState;
class Event;
class ReceiptState;
}  // namespace kith::v1

namespace kith::client {

class Model {
 public:
  using Emit = std::function<void(Event)>;

  Model(UserId self, CacheStore& store, Emit emit)
      : self_(self), store_(store), emit_(std::move(emit)) {}
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  void load(const CacheContent& content);
  [[nodiscard]] const UserId& self() const { return self_; }
  [[nodiscard]] CacheStore& store() { return store_; }
  [[nodiscard]] ShownRows& shown() { return shown_; }
  [[nodiscard]] const ShownRows& shown() const { return shown_; }
  [[nodiscard]] const std::map<ConversationId, ConversationRecord>& conversations() const {
    return conversations_;
  }
  [[nodiscard]] const ConversationRecord* find(const ConversationId& id) const;
  [[nodiscard]] const Ranges& ranges(const ConversationId& id) const;
  // The seq up to which this device is up to date; holes far below it may exist.
  [[nodiscard]] std::uint64_t top(const ConversationId& id) const;
  [[nodiscard]] const Profile* profile(const UserId& user) const;

  void emit(Event event) { emit_(std::move(event)); }
  void emit_conversation(const ConversationId& id);

  // Commits events (any order, known ones are ignored) that are of `conversation`, raises head,
  // floor and own read mark, and takes the outbox rows with the same ids out. `removed` learns
  // those ids.
  Status apply_events(const ConversationId& conversation, const std::vector<v1::Event>& events,
                      std::uint64_t floor, bool live, std::vector<MessageId>* removed);
  // Merges what the server says of conversations; `cursor` goes with them in the same transaction.
  Status apply_states(const std::vector<v1::ConversationState>& states,
                      std::optional<std::uint64_t> cursor);
  // The server's history is another one (it was restored from an older copy): nothing of what it
  // sent is true any more, nor is a read mark. The cursor is 0 again; the profiles stay.
  Status forget_history(const std::vector<ConversationId>& read_marks, const std::string& run);
  Status apply_receipt(const v1::ReceiptState& state);
  Status put(const ConversationRecord& record);
  Status put_profiles(std::vector<Profile> profiles);
  Status raise_head(const ConversationId& id, std::uint64_t last_seq, std::uint64_t ordinal);

  // With acknowledge_by_hand: what the application has dealt with.
  [[nodiscard]] const HandMarks& hand_marks() const { return hand_marks_; }
  Status load_hand_marks(bool by_hand, const std::map<std::string, std::string>& kv);
  Status dealt_with(const ConversationId& id, std::uint64_t seq);

 private:
  void status_moved(const ConversationRecord& old, const ConversationRecord& now);

  const UserId self_;
  CacheStore& store_;
  Emit emit_;
  ShownRows shown_{*this, store_};
  HandMarks hand_marks_;
  std::map<ConversationId, ConversationRecord> conversations_;
  std::map<ConversationId, Ranges> ranges_;
  std::map<UserId, Profile> profiles_;
};

}  // namespace kith::client
