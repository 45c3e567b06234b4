// FeedEntries: the entries of users' feeds that the store does not have yet, and those that every device
// of their user has yet to fetch.
#pragma once

#include <cstddef>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kith/server/ports/feed_store.h"
#include "src/id_map.h"

namespace kith::server {

class FeedEntries {
 public:
  struct Entry {
    FeedVersion ver = 0;
    bool large = false;
    bool stored = false;
    bool queued = false;  // for the next batch
  };

  // Gives the entry the version `ver`. Returns false, and changes nothing, if it says the same already
  // and no device of the user was served since: `served` is what they have.
  bool mark(const UserId& user, const ConversationId& conversation, bool large, FeedVersion ver,
            FeedVersion served);
  // The version of an entry; 0 if it is not in memory.
  [[nodiscard]] FeedVersion ver(const UserId& user, const ConversationId& conversation) const;
  // Calls `visit` with each entry of the user that the store does not have.
  template <class Visit>
  void unstored(const UserId& user, Visit visit) const {
    const auto it = of_.find(user);
    if (it == of_.end()) return;
    for (const auto& [conversation, entry] : it->second) {
      if (!entry.stored) visit(conversation, entry);
    }
  }

  [[nodiscard]] bool any_queued() const { return !queued_.empty(); }
  // Moves what is queued into a batch.
  void take(FeedBatch& batch);
  // The store has the batch. `keeps`: whether a user's entries are worth memory; see served().
  template <class Keeps>
  void stored(const FeedBatch& batch, Keeps keeps) {
    for (const FeedRow& row : batch.entries) is_stored(row, keeps(row.user));
  }
  // A device of the user has everything up to `upto`. While the user is away then, a conversation that is
  // marked already needs no other mark.
  void served(const UserId& user, FeedVersion upto);

 private:
  void is_stored(const FeedRow& row, bool keep);

  using Entries = std::map<ConversationId, Entry>;

  std::unordered_map<UserId, Entries, IdHash> of_;
  std::vector<std::pair<UserId, ConversationId>> queued_;
  std::size_t stored_ = 0;  // entries in memory that the store has too
};

}  // namespace kith::server
