// SearchIndex finds messages by their words. It is derived: the server rebuilds lost parts from the
// ConversationStore. It lags behind the store by some seconds, and no request waits for it to catch up.
//
// Keeps:       the terms of each message with its place, and how far each conversation is indexed.
// Order:       batches are added in the order of their add() calls; hits come newest first.
// Atomicity:   add() takes a batch with its marks wholly or not at all.
// Idempotence: adding a message at or below the mark of its conversation changes nothing, and neither
//              does a message that a batch has twice. Marks never fall.
// Durability:  a power loss may take back the newest batches wholly, never a part of one.
// Words:       docs/protocol.md, "Search".
// Threads:     methods and callbacks on the loop of the server, one callback for each call; callbacks
//              run later or inside the call. None runs after the destructor or in it.
// Blocking:    complete(), which is called at start. The others return at once.
// Bounds:      a page has at most `limit` hits; a query that takes longer than its time_limit fails.
// Failure:     kUnavailable, kIo, kDiskFull: the server retries the batch at growing intervals and
//              reports search_failing; searches fail with the error. kCacheCorrupt: the index is
//              damaged, or holds another message at the same place; the server calls begin_anew().
// Proof:       kith/conformance/search_index_suite.h, which covers neither a power loss nor the time
//              limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/result.h"
#include "kith/core/time.h"
#include "kith/server/ports/records.h"

namespace kith::server {

struct IndexedMessage {
  ConversationId conversation;
  std::uint64_t seq = 0;
  Position position = 0;  // unique; hits come in its descending order
  std::string text;
  UserId only_for{};  // the only user who may find it; empty: all members
};

struct IndexBatch {
  std::vector<IndexedMessage> messages;  // in any order
  // The seq up to which each of these conversations is in the index afterwards.
  std::vector<std::pair<ConversationId, std::uint64_t>> marks;
  // The log position up to which all conversations are in the index; 0 = as before.
  Position complete = 0;
};

struct IndexScope {
  ConversationId conversation;
  std::uint64_t from = 1;  // inclusive
  std::uint64_t to = 0;    // inclusive; 0 = no upper bound; below `from`: nothing
};

struct IndexQuery {
  std::string text;  // as the person typed it
  UserId reader;
  std::vector<IndexScope> scopes;  // each conversation at most once
  Position before = 0;             // 0 = from the newest
  std::size_t limit = 0;
  // A query that takes longer, counted from the call, fails with kTimeout; checked between two steps. 0 = none.
  Millis time_limit{0};
  // Called before every answer, with the time that the search has kept the index busy.
  std::function<void(std::chrono::microseconds)> spent{};
};

struct IndexHit {
  ConversationId conversation;
  std::uint64_t seq = 0;
  Position position = 0;
  friend bool operator==(const IndexHit&, const IndexHit&) = default;
};

class KITH_API SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  // Returns IndexBatch::complete of the last batch that set it; 0 = none did, or the index began anew.
  // Blocks; used at start.
  virtual Result<Position> complete() = 0;
  // Deletes everything, a damaged index included. Waiting searches fail with kUnavailable.
  virtual void begin_anew(Done<void> done) = 0;
  virtual void add(std::shared_ptr<const IndexBatch> batch, Done<void> done) = 0;
  // Returns the mark of each of `ids`, in their order; 0 = nothing of the conversation is indexed.
  virtual void marks(const std::vector<ConversationId>& ids,
                     Done<std::vector<std::uint64_t>> done) = 0;
  // Returns hits, newest first. Searches take turns by reader, so an expensive one delays those of others
  // by some milliseconds only. Fails with kInvalidArgument, kTooLarge, kLimitExceeded (the text is no
  // valid query) and kTimeout.
  virtual void find(const IndexQuery& query, Done<std::vector<IndexHit>> done) = 0;
};

}  // namespace kith::server
