// Decider: decides the records of a log in its order, each when its conversation is in memory.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/conversation_table.h"
#include "server/conversation/decide.h"
#include "server/conversation/log_ownership.h"
#include "server/conversation/store_writer.h"
#include "server/records/feed_marks.h"
#include "server/records/log_progress.h"
#include "src/guard.h"

namespace kith::server {

class Decider {
 public:
  // The parts that it works on beside the store.
  struct Parts {
    ConversationTable& table;
    FeedMarks& marks;
    LogProgress& progress;
    LogOwnership& ownership;
    StoreWriter& writer;
  };
  // All outlive this.
  Decider(ConversationStore& store, Scheduler& scheduler, const Parts& parts);

  // Called for every record of this owner that changed something, after its decision and before its
  // answer. Not for what was in the log at the start.
  using Decided = std::function<void(const LogEntry&, const Outcome&, const Conversation&)>;
  void on_decided(Decided decided) { decided_ = std::move(decided); }

  // Loads the conversations of a page of records in one go and in the store's order, which would else
  // be loaded record by record. Blocks; at the start, before take() of each.
  void load_changed(const std::vector<LogEntry>& page);
  // Whether what comes is what the log held at the start.
  void set_replaying(bool replaying) { replaying_ = replaying; }
  // Decides the record of a conversation, at once or when what it needs is there.
  void take(LogEntry&& entry, CommandAnswer&& answer);
  // Reads a conversation from the store, unless that is done or under way; then calls those who wait.
  void load(const SlotPtr& slot);

  // Whether records of the conversation are in the log and wait for their decision.
  [[nodiscard]] bool waits(const ConversationId& id) const;
  // Whether one of them may make this person a member. A person who is none learns nothing of others'
  // records, not even that there are any.
  [[nodiscard]] bool admission_waits(const ConversationId& id, const UserId& user) const;
  // Events made.
  [[nodiscard]] std::uint64_t placed() const { return placed_; }

 private:
  void loaded(const SlotPtr& slot, Result<std::optional<Conversation>>&& found);
  void run_queue(const SlotPtr& slot);
  void decide_next(const SlotPtr& slot, LogEntry& entry, CommandAnswer& answer);
  void look_up(const SlotPtr& slot, const std::shared_ptr<Waiting>& waiting);
  void decide_one(const SlotPtr& slot, const LogEntry& entry, CommandAnswer& answer,
                  const std::optional<Placement>& earlier);
  void note_change(ConversationSlot& slot, const LogEntry& entry, const Outcome& out,
                   bool was_large);
  void mark(const ConversationSlot& slot, const LogEntry& entry, const Outcome& out,
            bool was_large);

  ConversationStore& store_;
  Scheduler& scheduler_;
  Parts at_;
  Decided decided_;
  bool replaying_ = false;
  std::uint64_t placed_ = 0;
  std::uint64_t unmarked_ = 0;  // records decided since the last mark
  Guard guard_;
};

}  // namespace kith::server
