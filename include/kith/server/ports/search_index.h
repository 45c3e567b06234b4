// SearchIndex finds messages by their words. It is derived: whatever is lost here is made again from
// the ConversationStore, behind which it lags by some seconds, and nobody waits for it to follow.
//
// Keeps:       the terms of each message with its place, and how far each conversation is indexed.
// Order:       batches are added in the order of their add() calls; hits come newest first.
// Atomicity:   add() takes a batch with its marks wholly or not at all.
// Idempotence: messages at or below the mark of their conversation are there already and change
//              nothing; nor does one that a batch has twice. Marks never fall.
// Durability:  a power loss may take back the newest batches wholly, never a part of one.
// Words:       docs/protocol.md, "Search".
// Threads:     methods and callbacks on the loop of the server, one callback for each call; callbacks
//              come later or inside the call. None comes after or from the destructor.
// Blocking:    complete(), which is called at start. The others return at once.
// Bounds:      a page has at most `limit` hits; a query that takes longer than its time_limit is given
//              up.
// Failure:     kUnavailable, kIo, kDiskFull: the server gives the batch again, slower each time, and
//              says search_failing; searches are answered with the error. kCacheCorrupt: the index is
//              damaged, or has another message where one is added; the server lets it begin anew.
// Proof:       kith/conformance/search_index_suite.h; a power loss and the time limit are beyond it.
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
  UserId only_for{};  // withheld from everybody else; empty: from nobody
};

struct IndexBatch {
  std::vector<IndexedMessage> messages;  // in any order
  // Up to which seq each of these conversations is in the index afterwards.
  std::vector<std::pair<ConversationId, std::uint64_t>> marks;
  // Every conversation is in the index as of this position of the log; 0 = as before.
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
  // kTimeout when it takes longer, from the call on; looked at between two steps. 0 = none.
  Millis time_limit{0};
  // Called before the answer, whatever it is, with the time that the search has kept the index busy.
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

  // IndexBatch::complete of the last one that had it; 0 = never, or the index began anew. Blocks;
  // used at start.
  virtual Result<Position> complete() = 0;
  // Forgets everything, also what is damaged. Searches that wait fail with kUnavailable.
  virtual void begin_anew(Done<void> done) = 0;
  virtual void add(std::shared_ptr<const IndexBatch> batch, Done<void> done) = 0;
  // The mark of each, in their order; 0 = nothing of it is there.
  virtual void marks(const std::vector<ConversationId>& ids,
                     Done<std::vector<std::uint64_t>> done) = 0;
  // Newest first. Searches take turns by reader: one that is dear holds up those of others for some
  // milliseconds. kInvalidArgument, kTooLarge, kLimitExceeded: the text is no query; kTimeout.
  virtual void find(const IndexQuery& query, Done<std::vector<IndexHit>> done) = 0;
};

}  // namespace kith::server
