// WatchingSessions: the sessions of this home, and whose presence each of them has subscribed to. It judges what a
// viewer may see by both records as they are then, and pushes it if the viewer has not been shown the same.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "server/delivery/fanout.h"
#include "server/presence/visible_presence.h"
#include "server/requests/caller.h"
#include "server/users/users.h"
#include "src/guard.h"

namespace kith::v1 {
class PresenceSubscribe;
}

namespace kith::server {

// Loop thread.
class WatchingSessions {
 public:
  struct Targets {
    // Whether somebody is online; nullopt: it is not known yet, and nothing is pushed.
    std::function<std::optional<bool>(const UserId&)> online;
    // The first session watches somebody, or the last one does no longer.
    std::function<void(const UserId&, bool watched)> watched;
  };
  // `users` and `fanout` outlive this.
  WatchingSessions(Users& users, Fanout& fanout, Targets targets)
      : users_(users), fanout_(fanout), targets_(std::move(targets)) {}

  // A session comes, which is not active. Inactive ones are shown nothing.
  void open(const Caller& caller);
  void close(std::uint64_t session);
  // Returns false if the session was so before, or is not here.
  bool set_active(std::uint64_t session, bool active);
  // Pushes the latest states to an active session.
  void show_latest(std::uint64_t session);
  void subscribe(std::uint64_t session, const v1::PresenceSubscribe& request);

  // The target's state, settings, contacts or blocks have changed.
  void target_changed(const UserId& target);
  // The same of a viewer: what they may see of others has changed too.
  void viewer_changed(const UserId& user);

  [[nodiscard]] bool has(std::uint64_t session) const { return viewers_.contains(session); }
  [[nodiscard]] bool watches(const UserId& target) const { return watchers_.contains(target); }
  // Everybody who is watched.
  [[nodiscard]] std::vector<UserId> targets() const;

 private:
  struct Subscription {
    std::optional<VisiblePresence> pushed;  // last
    // The newest one under way, or done: records of users of other homes may be read out of order, and what an older
    // one has read may be hidden by now.
    std::uint64_t judgement = 0;
  };
  struct Viewer {
    Caller caller;
    bool active = false;
    std::unordered_map<UserId, Subscription> subscriptions;
  };
  void notify(std::uint64_t session, const UserId& target);
  void push_if_changed(std::uint64_t session, std::uint64_t judgement, const UserRecord& target,
                       const UserRecord& viewer);
  void watch(const UserId& target, std::uint64_t session);
  void unwatch(const UserId& target, std::uint64_t session);

  Users& users_;
  Fanout& fanout_;
  const Targets targets_;
  std::unordered_map<std::uint64_t, Viewer> viewers_;
  std::unordered_map<UserId, std::unordered_set<std::uint64_t>> watchers_;
  std::unordered_map<UserId, std::vector<std::uint64_t>> sessions_;  // of the viewers
  std::uint64_t judgements_ = 0;
  Guard guard_;
};

}  // namespace kith::server
