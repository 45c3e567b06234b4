// UserStates: the versions of users' own state (settings, contacts, blocks, profile), and the changes of
// it that are being written.
//
// A change is marked in the log before the directory has it. From hold() to settle() no sync of the user
// comes as far as that mark: a device that was given the old state asks again, of this process or of the
// next.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "kith/server/ports/feed_store.h"

namespace kith::server {

class UserStates {
 public:
  using Hold = std::uint64_t;

  // A change begins, before its mark goes to the log. Marks come in the order of the holds.
  Hold hold(const UserId& user);
  // The change is written, or will not be.
  void settle(const UserId& user, Hold hold);
  // Its mark has come, with this version.
  void mark(const UserId& user, FeedVersion ver);

  // The lowest version of a change that is being written; nullopt: there is none.
  [[nodiscard]] std::optional<FeedVersion> held(const UserId& user) const;
  // The version of the newest mark, if the store does not have it.
  [[nodiscard]] std::optional<FeedVersion> unstored(const UserId& user) const;

  [[nodiscard]] bool any_queued() const { return !queued_.empty(); }
  // Moves what is queued into a batch.
  void take(FeedBatch& batch);
  void stored(const FeedBatch& batch);

 private:
  std::map<UserId, std::map<Hold, FeedVersion>> holds_;  // 0: its mark has not come yet
  Hold last_hold_ = 0;
  std::map<UserId, FeedVersion> unstored_;
  std::map<UserId, FeedVersion> queued_;
};

}  // namespace kith::server
