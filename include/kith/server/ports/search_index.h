// SearchIndex finds messages by their words. It is derived: the server rebuilds lost parts from the
// ConversationStore. It lags behind the store by some seconds, and no request waits for it to catch up.
//
// Keeps:       the terms of each message with its place, and how far each conversation is indexed.
// Order:       batches are added in the order of their add() calls. Hits descend by place, and no two of
//              them have the same one: the index moves a message whose place is taken to the next free
//              place above, and its hits carry that.
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
//              damaged; the server calls begin_anew().
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

// A message's place in the order of all messages: milliseconds of its server time, and this many bits that
// separate the messages of one millisecond. Two messages rarely have the same place.
inline constexpr unsigned index_place_bits = 20;
// An index moves no message further above its place than this.
inline constexpr std::uint64_t index_moves_max = 1'024;

struct IndexedMessage {
  ConversationId conversation;
  std::uint64_t seq = 0;
  std::uint64_t place = 0;  // below 2^63
  std::string text;
  UserId only_for{};  // the only user who may find it; empty: all members
};

struct IndexBatch {
  std::vector<IndexedMessage> messages;  // in any order
  // The seq up to which each of these conversations is in the index afterwards.
  std::vector<std::pair<ConversationId, std::uint64_t>> marks;
  // The position in the log of `partition` up to which all its conversations are in the index; 0 = as before.
  Position complete = 0;
  std::uint32_t partition = 0;
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
  std::uint64_t before = 0;        // a place; 0 = from the newest
  std::size_t limit = 0;
  // A query that takes longer, counted from the call, fails with kTimeout; checked between two steps. 0 = none.
  Millis time_limit{0};
  // Called before every answer, with the time that the search has kept the index busy.
  std::function<void(std::chrono::microseconds)> spent{};
};

struct IndexHit {
  ConversationId conversation;
  std::uint64_t seq = 0;
  std::uint64_t place = 0;
  friend bool operator==(const IndexHit&, const IndexHit&) = default;
};

class KITH_API SearchIndex {
 public:
  virtual ~SearchIndex() = default;

  // Returns IndexBatch::complete of the last batch that set it for this partition; 0 = none did, or the index
  // began anew. Blocks; used at start.
  virtual Result<Position> complete(std::uint32_t partition) = 0;
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
