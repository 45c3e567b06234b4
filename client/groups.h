// Groups: the members and the title of groups that exist; all of it online. See Client for each.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/command_ids.h"
#include "client/online_requests.h"
#include "client/profiles.h"
#include "kith/client/types.h"

namespace kith::client {

enum class MemberChangeOf : std::uint8_t {
  kAdd = 1,
  kRemove = 2,
  kLeave = 3,
  kSetRole = 4
};  // as on the wire

class Groups {
 public:
  Groups(OnlineRequests& requests, CommandIds& ids, Profiles& profiles)
      : requests_(requests), ids_(ids), profiles_(profiles) {}

  // As many commands as it takes, one after the other; the first that is refused is the last.
  void change_members(const ConversationId& group, MemberChangeOf what,
                      const std::vector<UserId>& users, MemberRole role, Done<void> done);
  void rename(const ConversationId& group, const std::string& title, Done<void> done);
  void members(const ConversationId& group, Done<std::vector<Member>> done);

 private:
  struct Page {
    std::vector<Member> found;  // on this page and those before
    std::string next;           // empty: there is none
  };
  void members_page(const ConversationId& group, const Page& before,
                    const Done<std::vector<Member>>& done);

  OnlineRequests& requests_;
  CommandIds& ids_;
  Profiles& profiles_;
};

}  // namespace kith::client
