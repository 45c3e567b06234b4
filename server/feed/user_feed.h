// UserFeed: what changed for each user, and since when: marks that the store does not have yet, what
// was served to whom, and the user's own state. A sync reads it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "kith/server/ports/conversation_store.h"
#include "server/feed/large_feed.h"
#include "server/records/log_progress.h"
#include "src/id_map.h"

namespace kith::server {

// What a sync lists: a conversation that changed after its cursor.
struct FeedChange {
  ConversationId conversation;
  Position feed_ver = 0;
  bool marked = true;  // false: only the head of a large group moved
};

class UserFeed {
 public:
  // `peek`: see LargeFeed. All outlive this.
  UserFeed(ConversationStore& store, const LogProgress& progress, LargeFeed::Peek peek);
  ~UserFeed();

  // --- what the write path hands over, in log order ---
  // A record changed a conversation for one of its members: gives the member's row a new version.
  // Returns false, and changes nothing, if every device of the user has yet to fetch an earlier one.
  bool mark(Member& member, const ConversationId& conversation, Position position);
  // A record was decided on a large group; `changed`: members whose rows changed.
  void note_large(const Conversation& conversation, std::span<const UserId> changed) {
    large_.note(conversation, changed);
  }
  // A record says that the user's own state changes.
  void mark_user(const UserId& user, Position position);
  // From here on no sync of this user comes as far as the newest mark of their own state, which is
  // returned, until settle_mark(): whoever was given the old state asks again.
  Position hold_mark(const UserId& user);
  void settle_mark(const UserId& user, Position mark);

  // --- the store ---
  [[nodiscard]] bool has_user_marks() const { return !user_marks_dirty_.empty(); }
  // Moves the marks of users' own state into a batch.
  void take_user_marks(StoreBatch& batch);
  // The store has the batch.
  void stored(const StoreBatch& batch);

  // --- a sync; the order begin_serving(), changed(), then the conversations is load-bearing
  // (docs/protocol.md, "Sync") ---
  // Registers that the user is served everything up to the returned position: later changes get new
  // marks. `cursor`: what the user has seen. After a restart it may be above what is decided, but not
  // above the log: such a record is decided again, and what follows it gets marks above the cursor.
  // What is returned is below the user's marks that are held.
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
  // The newest mark of the user's own state.
  void user_mark(const UserId& user, Done<Position> done);
  // Memory knows that no mark of the user is above `cursor`, large groups aside.
  [[nodiscard]] bool nothing_above(const UserId& user, Position cursor) const;
  // Highest version of all: what Pong and Welcome tell. May answer inside the call.
  void high(const UserId& user, Done<Position> done);
  // See ConversationStore.
  [[nodiscard]] Position horizon() const { return store_.feed_horizon(); }

 private:
  // Marks of a user that the store does not have yet.
  std::map<ConversationId, Position> tail(const UserId& user) const;
  void raise_high(const UserId& user, Position position);

  ConversationStore& store_;
  const LogProgress& progress_;
  LargeFeed large_;
  std::unordered_map<UserId, std::map<ConversationId, Position>, IdHash> tail_;
  IdMap<UserId, Position> served_;  // unknown = everything: a mark is always written
  // The newest mark of a user, as soon as the store has told it; until then, of what was marked since it
  // was asked.
  struct High {
    Position mark = 0;
    std::uint64_t asking = 0;  // which question has begun it; 0: answered
  };
  IdMap<UserId, High> high_;
  std::uint64_t highs_asked_ = 0;
  std::map<UserId, Position> user_marks_;  // not yet stored
  std::map<UserId, Position> user_marks_dirty_;
  std::map<UserId, std::set<Position>> held_;  // user marks whose change is being written
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace kith::server
