// ConversationStore keeps the state computed from the command log: heads, members with their watermarks,
// and the history. It may lag behind the log; the services merge the tail that is not yet applied.
//
// Keeps:       the last head and the last row of each member, every event, and the place of every
//              command, for good.
// Atomicity:   apply() stores a batch and its position together or not at all. Calls after an ok read
//              the batch.
// Idempotence: applying a batch again, or one that overlaps stored ones, changes nothing that a reader
//              can see.
// Order:       batches are applied in the order of their apply() calls; when one fails, so do those
//              that wait behind it. Events are read back by seq, ascending.
// Durability:  a batch whose callback got ok survives a crash of this process and a power loss; the
//              server then lets the log drop its records.
// Threads:     methods and callbacks on the loop of the server, one callback for each call. Reads may
//              call back inside the call, apply() never does. No callback runs after the destructor or
//              in it.
// Blocking:    applied() and load_all(), which are called at start. The others return at once.
// Bounds:      the server applies one batch at a time, computed from at most limits::apply_lag_max
//              records; a page has at most `limit` entries.
// Failure:     kUnavailable, kIo, kDiskFull. The server retries the same batch after 0.1 s, then at
//              growing intervals up to 6.4 s; meanwhile the log keeps its records, and above
//              limits::apply_lag_max senders are refused. The error of a read becomes the error of the
//              request. If applied() fails the server does not start.
// Proof:       kith/conformance/conversation_store_suite.h, which does not cover a power loss.
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

// The part of the log that the store has applied.
struct StoredUpTo {
  Position position = 0;  // everything up to here is applied; 0 = nothing
  Tenure tenure;          // the owner of the log at that position
};

// Rows to insert or replace, in one transaction with `position`.
struct StoreBatch {
  Position position = 0;         // everything up to here is applied afterwards
  Tenure tenure;                 // the owner of the log at `position`
  std::vector<EventPtr> events;  // also fills the dedupe index (conversation, sender, message_id)
  std::vector<Head> heads;       // final state, one per conversation
  // Final state, one per (conversation, user).
  std::vector<std::pair<ConversationId, Member>> members;
};

struct EventQuery {
  ConversationId conversation;
  std::uint64_t from = 1;  // inclusive
  std::uint64_t to = 0;    // inclusive; 0 = no upper bound
  std::size_t limit = 0;
  bool newest = false;  // the last `limit` of the range instead of the first; still ascending
};

// One page of a walk over all conversations, ascending by id.
struct HeadsPage {
  std::vector<Head> heads;
  ConversationId next;  // `after` of the next page
  bool more = false;
};

class KITH_API ConversationStore {
 public:
  virtual ~ConversationStore() = default;

  // Returns how far the log has been applied. Blocks; used at start.
  virtual Result<StoredUpTo> applied() = 0;
  virtual void apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) = 0;

  virtual void load(const ConversationId& id, Done<std::optional<Conversation>> done) = 0;
  // Returns those of `ids` (ascending) that exist, in their order, as load() would return them. Blocks;
  // used at start.
  virtual Result<std::vector<Conversation>> load_all(const std::vector<ConversationId>& ids) = 0;
  virtual void find(const ConversationId& id, const UserId& sender, const MessageId& message,
                    Done<std::optional<Placement>> done) = 0;
  virtual void events(const EventQuery& query, Done<std::vector<Event>> done) = 0;

  // Reads the next `limit` conversations behind `after` and returns those whose Head::last_position is above
  // `changed_after`.
  virtual void heads(const ConversationId& after, Position changed_after, std::size_t limit,
                     Done<HeadsPage> done) = 0;
};

}  // namespace kith::server
