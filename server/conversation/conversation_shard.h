// ConversationShard: the write path of conversations: appends commands to the log, decides them in
// log order on conversations in memory, and lets the store follow.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "server/conversation/command_queue.h"
#include "server/conversation/conversation_table.h"
#include "server/conversation/decider.h"
#include "server/conversation/history_reader.h"
#include "server/conversation/log_ownership.h"
#include "server/conversation/recent_commands.h"
#include "server/conversation/store_pace.h"
#include "server/conversation/store_writer.h"
#include "server/health/service_health.h"
#include "server/records/feed_marks.h"
#include "server/records/log_progress.h"
#include "src/guard.h"

namespace kith::server {

class ConversationShard {
 public:
  // All outlive this.
  ConversationShard(CommandLog& log, ConversationStore& store, FeedMarks& marks,
                    Scheduler& scheduler, const LagMarks& lag = {},
                    CacheBounds bounds = ConversationTable::kBounds);

  // Decides again what the store does not have yet. Before anything else; blocks.
  Status start();

  // See Decider.
  void on_decided(Decider::Decided decided) { decider_.on_decided(std::move(decided)); }
  // Called for every batch that the store has taken.
  void on_stored(StoreWriter::Stored stored) { stored_ = std::move(stored); }
  // Notes there what becomes of appending and writing, as long as this lives; null: nowhere.
  void watch(ServiceHealth* health);
  // While it is held the log keeps everything: somebody copies it.
  void hold_log(bool held) { log_held_ = held; }
  void probe() { queue_.probe(); }

  // Puts a command into the log, a little later while the store is behind (limits::apply_lag_soft).
  // kUnavailable while another process may own the log: it answers then.
  void append(LogRecord record, CommandAnswer answer);

  // The conversation as of the last decided record; null if it does not exist. The pointer is valid
  // during the call of `done`. May answer inside the call.
  void with(const ConversationId& id, Done<const Conversation*> done);
  // Returns the conversation if it is in memory, else null.
  [[nodiscard]] const Conversation* cached(const ConversationId& id) const {
    return ownership_.serving() ? table_.cached(id) : nullptr;
  }
  // Events from memory and store, merged.
  void events(const EventQuery& query, Done<std::vector<Event>> done);
  // The place of an earlier command, from memory or store.
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<Placement>> done);
  // See Decider.
  [[nodiscard]] bool undecided(const ConversationId& id) const { return decider_.waits(id); }
  [[nodiscard]] bool admission_undecided(const ConversationId& id, const UserId& user) const {
    return decider_.admission_waits(id, user);
  }

  // See Conversations.
  void mark_user(const UserId& user, const DeviceId& device, Done<void> done);

  LogOwnership& ownership() { return ownership_; }
  // Gives the log up: refuses from here on, and calls `left` when what was on its way is in the log and
  // in the store, or limits::leave_limit later.
  void leave(std::function<void()> left);
  [[nodiscard]] const LogProgress& progress() const { return progress_; }
  // Adds "messages_placed", "apply_lag", "commands_held", "journal_lag" and the table's.
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  void stamp(LogRecord& record);
  void leave_when_stored(std::int64_t until_ms, std::function<void()> left);
  void committed(LogEntry&& entry, CommandAnswer&& answer);
  void stored(const std::shared_ptr<const StoreBatch>& batch);

  CommandLog& log_;
  FeedMarks& marks_;
  Scheduler& scheduler_;
  LogProgress progress_;
  StorePace pace_;
  ConversationTable table_;
  HistoryReader history_;
  CommandQueue queue_;
  LogOwnership ownership_;
  RecentCommands recent_commands_;
  StoreWriter writer_;
  Decider decider_;
  StoreWriter::Stored stored_;
  bool log_held_ = false;
  Guard guard_;
};

}  // namespace kith::server
