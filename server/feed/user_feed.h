// UserFeed: what changed for each user, and since when. Conversations mark it, in the order of their
// decisions; a sync reads it. Its versions are its own: they order the conversations of a user, whichever
// log those live in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kith/core/scheduler.h"
#include "kith/server/ports/feed_store.h"
#include "server/feed/feed_entries.h"
#include "server/feed/feed_writer.h"
#include "server/feed/large_feed.h"
#include "server/feed/user_states.h"
#include "server/records/feed_marks.h"
#include "server/records/feed_versions.h"
#include "src/guard.h"
#include "src/id_map.h"

namespace kith::server {

// An entry of a sync: a conversation that changed after its cursor.
struct FeedChange {
  ConversationId conversation;
  FeedVersion ver = 0;
  bool marked = true;  // false: only the head of a large group moved
};

// A user's devices shall look at a conversation now: one of them has read in it.
struct FeedRing {
  UserId user;
  FeedVersion ver = 0;
  ConversationId conversation;
  std::uint64_t last_seq = 0;
};

class UserFeed : public FeedMarks {
 public:
  // Both outlive this.
  UserFeed(FeedStore& store, Scheduler& scheduler);

  // Begins to give out versions. Before anything else; blocks.
  Status start();
  void on_ring(std::function<void(const FeedRing&)> ring) { ring_ = std::move(ring); }

  // --- what conversations say ---
  void begins(std::uint64_t stored, std::uint64_t logged) override {
    versions_.add_log(stored, logged);
  }
  void mark(const FeedMark& mark) override;
  void mark_user(const UserId& user) override;
  void flush(Done<void> done) override { writer_.flush(std::move(done)); }

  // --- the user's own state; see UserStates ---
  UserStates::Hold hold(const UserId& user) { return states_.hold(user); }
  void settle(const UserId& user, UserStates::Hold hold) { states_.settle(user, hold); }

  // --- a sync; the order begin_serving(), changed(), then the conversations is load-bearing
  // (docs/protocol.md, "Sync") ---
  // Whether a device of this history can have seen the version.
  [[nodiscard]] bool may_be(FeedVersion cursor) const { return versions_.may_be(cursor); }
  // Registers that the user is served everything up to the returned version: later changes get new
  // ones. It is below the user's marks that are held, and never below `cursor`, what the user has seen,
  // unless nobody can have seen that.
  FeedVersion begin_serving(const UserId& user, FeedVersion cursor = 0);
  // Ascending by version.
  void changed(const UserId& user, FeedVersion after, std::size_t limit,
               Done<std::vector<FeedChange>> done);
  // Descending, below `before` (0 = all).
  void list(const UserId& user, FeedVersion before, std::size_t limit,
            Done<std::vector<FeedChange>> done);
  // The large groups that a user is in.
  void large(const UserId& user, Done<std::vector<FeedEntry>> done) {
    large_.of(user, std::move(done));
  }
  // The newest version of the user's own state.
  void user_state(const UserId& user, Done<FeedVersion> done);
  // Whether memory knows that no mark of the user is above `cursor`, large groups aside.
  [[nodiscard]] bool nothing_above(const UserId& user, FeedVersion cursor) const;
  // Highest version of all: what Pong and Welcome tell. May answer inside the call.
  void high(const UserId& user, Done<FeedVersion> done);
  // See FeedStore.
  [[nodiscard]] FeedVersion horizon() const { return store_.horizon(); }

 private:
  // The version up to which a device of the user may have everything; if it is unknown, the highest of all.
  [[nodiscard]] FeedVersion served(const UserId& user) const;
  void mark_entry(const UserId& user, const ConversationId& conversation, bool large,
                  FeedVersion ver);
  void raise_high(const UserId& user, FeedVersion ver);

  FeedStore& store_;
  FeedVersions versions_;
  FeedEntries entries_;
  UserStates states_;
  LargeFeed large_;
  FeedWriter writer_;
  std::function<void(const FeedRing&)> ring_;
  IdMap<UserId, FeedVersion> served_;  // in this run; unknown = everything
  // The newest mark of a user, as soon as the store has answered; until then, of the marks since the
  // request.
  struct High {
    FeedVersion mark = 0;
    std::uint64_t asking = 0;  // which question has begun it; 0: answered
  };
  IdMap<UserId, High> high_;
  std::uint64_t highs_asked_ = 0;
  Guard guard_;
};

}  // namespace kith::server
