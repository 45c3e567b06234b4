// ConversationCache: appends commands to the log, decides them in log order on conversations in
// memory, and lets the store follow.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "server/services/conversations.h"
#include "server/services/id_map.h"
#include "server/services/large_feed.h"
#include "server/services/sequencer.h"
#include "server/services/service_health.h"
#include "server/services/store_pace.h"
#include "server/services/weighed_cache.h"
#include "src/scheduler.h"

namespace kith::server {

// What a sync lists: a conversation that changed after its cursor.
struct FeedChange {
  ConversationId conversation;
  Position feed_ver = 0;
  bool marked = true;  // false: only the head of a large group moved
};

class ConversationCache : public Conversations {
 public:
  // Bounds of conversations with their members; their events have bounds of their own.
  static constexpr CacheBounds kBounds{limits::conversations_cached_max,
                                       limits::conversations_cached_bytes};
  ConversationCache(CommandLog& log, ConversationStore& store, Scheduler& scheduler,
                    const LagMarks& marks = {}, CacheBounds bounds = kBounds);
  ~ConversationCache() override;

  // Decides again what the store has not applied yet. Before anything else; blocks.
  Status start();

  // Called for every record that changed something, after its decision and before its answer. Not
  // during start().
  using Decided = std::function<void(const LogEntry&, const Outcome&, const Conversation&)>;
  void on_decided(Decided decided) { decided_ = std::move(decided); }

  // Called for every batch that the store has taken.
  using Stored = std::function<void(const StoreBatch&)>;
  void on_stored(Stored stored) { stored_ = std::move(stored); }
  // What becomes of writing is noted there, as long as this lives.
  void watch(ServiceHealth* health) { health_ = health; }
  // While it is held the log keeps everything: somebody copies it.
  void hold_log(bool held) { log_held_ = held; }
  // Puts a record into the log that changes nothing: finds out whether there is room again, when nobody writes.
  void probe();
  // Position up to which the store has everything.
  [[nodiscard]] Position applied() const { return applied_; }
  // The last record that is in the log.
  [[nodiscard]] Position log_end() const { return last_committed_; }

  // Puts a command into the log, a little later while the store is behind (limits::apply_lag_soft);
  // `answer` gets the decision on it, or why it is not in the log (kOverloaded, kDiskFull, …).
  using Answer = OnceFunction<void(Result<Outcome>&&), 48>;
  void append(LogRecord record, Answer answer);

  void with(const ConversationId& id, Done<const Conversation*> done) override;
  // Records of the conversation are in the log and wait for their decision.
  [[nodiscard]] bool undecided(const ConversationId& id) const;
  // One of them may make this person a member. Whoever is none learns of others' records nothing, not
  // even that there are any.
  [[nodiscard]] bool admission_undecided(const ConversationId& id, const UserId& user) const;
  const Conversation* peek(const ConversationId& id) const override;
  void events(const EventQuery& query, Done<std::vector<Event>> done) override;
  void mark_user(const UserId& user, const DeviceId& device, Done<Position> done) override;
  void settle_mark(const UserId& user, Position mark) override;
  void feed_high(const UserId& user, Done<Position> done) override;

  // The place of an earlier command, from memory or store.
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<Placement>> done);

  // --- the feed; the order begin_serving(), changed(), with() is load-bearing (docs/protocol.md,
  // "Sync") ---
  // Registers that the user is served everything up to the returned position: later changes get new
  // marks.
  // `cursor`: what the user has seen. After a restart it may be above decided(), but not above the
  // log: such a record is decided again, and what follows it gets marks above the cursor.
  // What is returned is below the user's marks that are not settled.
  Position begin_serving(const UserId& user, Position cursor = 0);
  // Ascending by feed_ver; large groups by the position of their last record.
  void changed(const UserId& user, Position after, std::size_t limit,
               Done<std::vector<FeedChange>> done);
  // Descending, below `before` (0 = all).
  void list(const UserId& user, Position before, std::size_t limit,
            Done<std::vector<FeedChange>> done);
  // The large groups that a user is in.
  void large(const UserId& user, Done<std::vector<FeedEntry>> done) {
    large_.of(user, std::move(done));
  }
  void user_mark(const UserId& user, Done<Position> done);
  // See ConversationStore.
  [[nodiscard]] Position feed_horizon() const { return store_.feed_horizon(); }

  // Position up to which every record has been decided.
  [[nodiscard]] Position decided() const;
  // Records decided and not yet in the store.
  [[nodiscard]] std::uint64_t apply_lag() const { return decided() - applied_; }
  // Adds "messages_placed", "apply_lag", "commands_held", "journal_lag", "conversations_cached",
  // "events_cached", "cached_bytes".
  void add_stats(std::map<std::string, std::uint64_t>& all) const;

 private:
  struct Waiting {
    LogEntry entry;
    Answer answer;
  };
  struct Slot;
  using SlotPtr = std::shared_ptr<Slot>;

  // A command that waits for the store, before the log.
  struct Held {
    LogRecord record;
    Answer answer;
    std::int64_t since_ms = 0;
  };
  // Records in the log and not in the store.
  [[nodiscard]] std::uint64_t unstored() const { return last_committed_ - applied_; }
  void log(LogRecord&& record, Answer&& answer);
  void note_log(const Result<LogEntry>& entry);
  void let_on();
  void refuse_held(const std::optional<Error>& why);
  void look_after_held();
  Error behind();
  void load_changed(const std::vector<LogEntry>& page);
  SlotPtr slot(const ConversationId& id);
  void load(const SlotPtr& slot);
  void committed(LogEntry&& entry, Answer&& answer);
  void run_queue(const SlotPtr& slot);
  void decide_next(const SlotPtr& slot, LogEntry& entry, Answer& answer);
  void look_up(const SlotPtr& slot, Waiting next);
  void decide_one(const SlotPtr& slot, const LogEntry& entry, Answer& answer,
                  const std::optional<Placement>& earlier);
  void note_change(Slot& slot, const LogEntry& entry, const Outcome& out);
  void mark(Slot& slot, const UserId& user, Position position);
  void schedule_apply();
  void apply_batch();
  void apply_done(const Status& status);
  void gather_batch();
  void take(const ConversationId& id, StoreBatch& batch);
  void give_batch();
  std::map<ConversationId, Position> tail(const UserId& user) const;
  void weigh(Slot& slot);
  [[nodiscard]] bool in_newer_half(const Slot& slot) const;
  void use(Slot& slot);
  void evict();

  CommandLog& log_;
  ConversationStore& store_;
  Scheduler& scheduler_;
  const CacheBounds bounds_;
  ServiceHealth* health_ = nullptr;
  bool log_held_ = false;
  Decided decided_;
  Stored stored_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  IdMap<ConversationId, SlotPtr> slots_;
  // About: the newer half is in no order, so that using one does not mean moving it. front = newest
  std::list<ConversationId> recently_used_;
  std::uint64_t moves_ = 0;       // to its front
  std::set<Position> undecided_;  // committed, waiting for a load or a lookup
  Position last_committed_ = 0;
  Position found_ = 0;  // the end of the log at the start
  Position applied_ = 0;
  StorePace pace_;
  std::deque<Held> held_;
  bool refusing_held_ = false;
  bool looking_ = false;    // after held_, with a timer
  std::size_t in_log_ = 0;  // appended, not yet committed
  std::uint64_t placed_ = 0;
  std::size_t recent_total_ = 0;  // events in all slots …
  std::size_t recent_bytes_ = 0;  // … and their memory
  std::size_t member_bytes_ = 0;  // memory of the members of all slots
  bool replaying_ = false;

  std::vector<ConversationId> dirty_;      // each once: Slot::dirty
  std::map<UserId, Position> user_marks_;  // not yet applied
  std::map<UserId, Position> user_marks_dirty_;
  std::map<UserId, std::set<Position>> unsettled_;  // user marks whose change is being written
  // Marks not yet applied.
  std::unordered_map<UserId, std::map<ConversationId, Position>, IdHash> feed_tail_;
  IdMap<UserId, Position> served_;  // unknown = everything: a mark is always written
  IdMap<UserId, Position> high_;
  LargeFeed large_;
  // A batch that is being put together.
  struct Gathering {
    StoreBatch batch;
    std::vector<ConversationId> ids;
    std::size_t next = 0;
  };
  std::unique_ptr<Gathering> gathering_;
  bool applying_ = false;  // one is being put together, or the store has it
  bool apply_scheduled_ = false;
  std::uint32_t apply_failures_ = 0;
  std::shared_ptr<const StoreBatch> batch_;  // in flight; kept until the store has it
};

}  // namespace kith::server
