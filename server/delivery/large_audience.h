// LargeAudience: the connected sessions of large groups, so that a message costs its listeners and
// not its members; and which of them take part and get every event at once.
//
// A group is looked up among all connected sessions at its first message, and followed from then
// on.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "kith/core/ids.h"
#include "kith/core/time.h"
#include "kith/server/ports/conversation_store.h"
#include "server/requests/caller.h"

namespace kith::server {

class LargeAudience {
 public:
  void opened(const Caller& caller) { sessions_of_[caller.user].insert(caller.session); }
  void closed(const Caller& caller);

  // The user's sessions listen to these groups, as far as they are followed.
  void enter(const UserId& user, const std::vector<ConversationId>& groups);
  // The session sent or read here: for limits::large_active_for it takes part.
  void touch(const ConversationId& id, std::uint64_t session, std::int64_t now_ms);
  // A record was decided on a large group; `changed`: members who may have come or gone.
  void changed(const Conversation& conversation, std::span<const UserId> changed);

  struct Reach {
    std::vector<std::uint64_t> active;   // get whole events
    std::vector<std::uint64_t> passive;  // get the head
  };
  // `conversation` has been given to changed(). Without the session `except`.
  [[nodiscard]] Reach reach(const ConversationId& id, std::uint64_t except,
                            std::int64_t now_ms) const;
  [[nodiscard]] std::size_t followed() const { return groups_.size(); }

 private:
  using Group = std::map<std::uint64_t, std::int64_t>;  // session -> takes part until

  void correct(Group& group, const Conversation& conversation, const UserId& user);
  void listen(Group& group, const ConversationId& id, std::uint64_t session);

  std::unordered_map<UserId, std::set<std::uint64_t>, IdHash> sessions_of_;
  std::map<ConversationId, Group> groups_;
  // Where a session has come in, so that its end does not cost a look at all groups; some it may have left.
  std::unordered_map<std::uint64_t, std::set<ConversationId>> groups_of_;
};

}  // namespace kith::server
