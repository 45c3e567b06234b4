// ConversationStore keeps what has been computed from the command log: heads, members with their
// watermarks and feed marks, and the history. It may lag behind the log; the services merge the
// tail that is not yet applied.
//
// Keeps:       the last head and the last row of each member, every event, and the place of every
//              command, for good.
// Atomicity:   apply() stores a batch and its position together or not at all. What it answers with
//              ok, later calls read.
// Idempotence: applying a batch again, or one that overlaps what is stored, changes nothing that a
//              reader can see.
// Order:       batches are applied in the order of their apply() calls, and none is after one that
//              failed while it waited; events are read back by seq, ascending.
// Durability:  a batch that was answered with ok survives a crash of this process and a power loss: the
//              server lets the log forget its records then.
// Threads:     methods and callbacks on the loop of the server, one callback for each call. Reads may
//              call back inside the call, apply() never does. None comes after or from the destructor.
// Blocking:    applied() and load_all(), which are called at start. The others return at once.
// Bounds:      the server gives one batch at a time, of what at most limits::apply_lag_max records
//              have made; a page has at most `limit` entries.
// Failure:     kUnavailable, kIo, kDiskFull. The server gives the same batch again, after 0.1 s and
//              then slower, up to 6.4 s; meanwhile the log keeps its records, and above
//              limits::apply_lag_max senders are refused. A read that fails is the error of the
//              request that asked. If applied() fails the server does not start.
// Proof:       kith/conformance/conversation_store_suite.h; a power loss is beyond it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/server/ports/records.h"

namespace kith::server {

struct Conversation {
  Head head;
  std::vector<Member> members;  // sorted by user
};

// How far the store has followed the log.
struct StoredUpTo {
  Position position = 0;  // everything up to here is applied; 0 = nothing
  Tenure tenure;          // who owned the log at that position
};

// Rows to insert or replace, in one transaction with `position`.
struct StoreBatch {
  Position position = 0;         // everything up to here is applied afterwards
  Tenure tenure;                 // who owned the log at `position`
  std::vector<EventPtr> events;  // also fills the dedupe index (conversation, sender, message_id)
  std::vector<Head> heads;       // final state, one per conversation
  // Final state, one per (conversation, user).
  std::vector<std::pair<ConversationId, Member>> members;
  std::vector<std::pair<UserId, Position>> user_marks;  // user state changed at
};

struct FeedEntry {
  ConversationId conversation;
  Position feed_ver = 0;
};

struct EventQuery {
  ConversationId conversation;
  std::uint64_t from = 1;  // inclusive
  std::uint64_t to = 0;    // inclusive; 0 = no upper bound
  std::size_t limit = 0;
  bool newest = false;  // the last `limit` of the range instead of the first; still ascending
};

// A part of a walk over all conversations, ascending by id.
struct HeadsPage {
  std::vector<Head> heads;
  ConversationId next;  // go on behind this one
  bool more = false;
};

class KITH_API ConversationStore {
 public:
  virtual ~ConversationStore() = default;

  // How far the log has been applied. Blocks; used at start.
  virtual Result<StoredUpTo> applied() = 0;
  virtual void apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) = 0;

  virtual void load(const ConversationId& id, Done<std::optional<Conversation>> done) = 0;
  // Those of `ids` (ascending) that exist, in their order, as load() would give them. Blocks; used at
  // start.
  virtual Result<std::vector<Conversation>> load_all(const std::vector<ConversationId>& ids) = 0;
  virtual void find(const ConversationId& id, const UserId& sender, const MessageId& message,
                    Done<std::optional<Placement>> done) = 0;
  virtual void events(const EventQuery& query, Done<std::vector<Event>> done) = 0;

  // Looks at the next `limit` conversations behind `after` and gives those of them whose
  // Head::last_position is above `changed_after`.
  virtual void heads(const ConversationId& after, Position changed_after, std::size_t limit,
                     Done<HeadsPage> done) = 0;

  // Conversations (present or former) of a user with feed_ver > after, ascending by feed_ver, at
  // most `limit`.
  virtual void changed(const UserId& user, Position after, std::size_t limit,
                       Done<std::vector<FeedEntry>> done) = 0;
  // Conversations of a user with feed_ver < before (0 = all), descending by feed_ver, at most
  // `limit`: a snapshot listing.
  virtual void list(const UserId& user, Position before, std::size_t limit,
                    Done<std::vector<FeedEntry>> done) = 0;
  // Large conversations (Head::large) that the user is an active member of, with their
  // Head::last_position as feed_ver: their members get no mark for a message.
  virtual void large(const UserId& user, Done<std::vector<FeedEntry>> done) = 0;
  // Marks below it may be gone: who has synced less gets a snapshot. 0 = all marks are kept.
  virtual Position feed_horizon() const { return 0; }
  // Position of the last change of the user's own state; 0 = never.
  virtual void user_mark(const UserId& user, Done<Position> done) = 0;
};

}  // namespace kith::server
