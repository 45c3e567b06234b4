// Roster: who is a member of a conversation, how they come and how they go. Used by the kinds of
// command that change membership.
#pragma once

#include <boost/container/small_vector.hpp>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "kith/server/ports/conversation_store.h"

namespace kith::server {

// Two, mostly: those of a 1:1 need no memory of their own.
using UserList = boost::container::small_vector<UserId, 2>;
inline std::span<const UserId> span_of(const UserList& users) {
  return {users.data(), users.size()};
}

// Finds a present or former member by binary search; null if there never was one.
const Member* find_member(const Conversation& conversation, const UserId& user);
Member* find_member(Conversation& conversation, const UserId& user);

UserList active_members(const Conversation& conversation);

// Makes the user a member from the newest event on; earlier marks are forgotten. `sharing`: whether
// they share receipts; nullopt leaves it as it was.
void join(Conversation& conversation, const UserId& user, MemberRole role,
          std::optional<bool> sharing);

// Sets head.member_count, .large and .roster_ver after members came or went.
void count_members(Conversation& conversation);

// Returns what a person who leaves by the record at `leaving` goes on seeing.
std::shared_ptr<const LeftView> left_view(const Head& head, Position leaving);

// Whether each person who joins by a record shares receipts; nullopt where the record does not say.
class JoinerSharing {
 public:
  // `off`: those who do not, as the record lists them.
  JoinerSharing(const LogRecord& record, const std::vector<UserId>& off);
  std::optional<bool> operator()(const UserId& user) const;

 private:
  bool recorded_;
  std::vector<UserId> off_;
};

}  // namespace kith::server
