// FeedStore keeps, for each user, which of their conversations have changed, and in which order. A sync
// reads it. It may lag behind what was decided; the feed merges what it does not have yet.
//
// Keeps:       the last entry of each user and conversation, the last version of each large group and of
//              each user's own state, and how often begin() was called, for good.
// Versions:    are numbers of the server's making. Those of one begin() are above those of every earlier
//              one, so a device never holds a version that a later process gives out again.
// Atomicity:   apply() stores a batch together or not at all. Later calls read what it answered with ok.
// Idempotence: versions only grow: applying a batch again, or an older one late, changes nothing.
// Order:       batches are applied in the order of their apply() calls, and none is after one that failed
//              while it waited.
// Durability:  a batch that was answered with ok survives a crash of this process and a power loss: the
//              server lets the conversation store go on then, and the log forget its records.
// Threads:     methods and callbacks on the loop of the server, one callback for each call. Reads may call
//              back inside the call, apply() never does. None comes after or from the destructor.
// Blocking:    begin(), which is called at start. The others return at once.
// Bounds:      the server gives one batch at a time; a page has at most `limit` entries.
// Failure:     kUnavailable, kIo, kDiskFull. The server gives the same batch again, slower each time;
//              meanwhile the conversation store waits, and above limits::apply_lag_max senders are refused.
//              A read that fails is the error of the request that asked. If begin() fails the server does
//              not start.
// Proof:       kith/conformance/feed_store_suite.h; a power loss is beyond it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/ids.h"
#include "kith/core/result.h"

namespace kith::server {

// When something changed for a user. Comparable among all conversations of that user; 0 = never.
using FeedVersion = std::uint64_t;

// An entry as a read lists it.
struct FeedEntry {
  ConversationId conversation;
  FeedVersion ver = 0;
  friend bool operator==(const FeedEntry&, const FeedEntry&) = default;
};

// An entry of one user's feed, as it is stored.
struct FeedRow {
  UserId user;
  ConversationId conversation;
  FeedVersion ver = 0;
  bool large = false;  // the user is a member now, and the group is a large one
  friend bool operator==(const FeedRow&, const FeedRow&) = default;
};

struct FeedBatch {
  std::vector<FeedRow> entries;  // each user and conversation once
  // Large groups, of which a message changes no entry; each once.
  std::vector<std::pair<ConversationId, FeedVersion>> groups;
  std::vector<std::pair<UserId, FeedVersion>> users;  // whose own state changed; each once
};

class KITH_API FeedStore {
 public:
  virtual ~FeedStore() = default;

  // Returns 1, then 2, … each time when a server begins to give out versions. Durable before it returns.
  // Blocks; used at start.
  virtual Result<std::uint64_t> begin() = 0;
  virtual void apply(std::shared_ptr<const FeedBatch> batch, Done<void> done) = 0;

  // The user's entries with ver > after, ascending by ver, at most `limit`.
  virtual void changed(const UserId& user, FeedVersion after, std::size_t limit,
                       Done<std::vector<FeedEntry>> done) = 0;
  // The user's entries with ver < before (0 = all), descending by ver, at most `limit`: a snapshot.
  virtual void list(const UserId& user, FeedVersion before, std::size_t limit,
                    Done<std::vector<FeedEntry>> done) = 0;
  // The user's entries that are `large`, by conversation, each with the version of its group; 0 if that
  // is not known.
  virtual void large(const UserId& user, Done<std::vector<FeedEntry>> done) = 0;
  // Version of the last change of the user's own state; 0 = never.
  virtual void user_state(const UserId& user, Done<FeedVersion> done) = 0;
  // Entries below it may have been deleted; a client with an older cursor must take a snapshot. 0 = all
  // entries are kept.
  [[nodiscard]] virtual FeedVersion horizon() const { return 0; }
};

}  // namespace kith::server
