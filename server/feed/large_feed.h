// LargeFeed: which large groups a user is in, and how far each has come.
//
// Members of a large group get no feed mark for a message; their sync compares heads instead. The
// groups of a user are loaded once, stay in memory and follow the marks.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/ids.h"
#include "kith/server/ports/feed_store.h"
#include "server/feed/feed_entries.h"
#include "server/records/feed_marks.h"
#include "src/guard.h"

namespace kith::server {

class LargeFeed {
 public:
  // Both outlive this.
  LargeFeed(FeedStore& store, const FeedEntries& entries) : store_(store), entries_(entries) {}

  // A record was decided on a large group; its version is `ver` from now on.
  void note(const FeedMark& mark, FeedVersion ver);
  // The large groups of a user, each with its version, in any order. May answer inside the call; answers
  // of one user come in the order of the calls.
  void of(const UserId& user, Done<std::vector<FeedEntry>> done);

  [[nodiscard]] bool any_queued() const { return !queued_.empty(); }
  // Moves what is queued into a batch; one at a time.
  void take(FeedBatch& batch);
  // The store has that batch.
  void stored() { writing_.clear(); }

 private:
  using Groups = std::set<ConversationId>;
  // A user whose groups the store is asked for.
  struct Loading {
    std::map<ConversationId, bool> changed;  // since it was asked: is the user inside?
    std::vector<Done<std::vector<FeedEntry>>> waiting;
  };
  void correct(const UserId& user, const ConversationId& group, bool inside);
  void loaded(const UserId& user, const std::vector<FeedEntry>& stored,
              const std::map<ConversationId, bool>& changed);
  [[nodiscard]] std::vector<FeedEntry> entries(const Groups& groups) const;
  void bound();

  FeedStore& store_;
  const FeedEntries& entries_;
  std::unordered_map<UserId, Groups, IdHash> of_;
  std::map<ConversationId, FeedVersion> versions_;  // of every group in of_, and of those noted
  std::set<ConversationId> queued_;                 // their versions are for the next batch
  std::set<ConversationId> writing_;                // … and these are in the one under way
  std::unordered_map<UserId, Loading, IdHash> loading_;
  Guard guard_;
};

}  // namespace kith::server
