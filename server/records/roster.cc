// Members of one conversation, sorted by user.
#include "server/records/roster.h"

#include <algorithm>

#include "kith/core/limits.h"

namespace kith::server {
namespace {

auto place_of(auto& members, const UserId& user) {
  return std::lower_bound(members.begin(), members.end(), user,
                          [](const Member& m, const UserId& u) { return m.user < u; });
}

Member& member_or_new(Conversation& c, const UserId& user) {
  auto it = place_of(c.members, user);
  if (it == c.members.end() || it->user != user) {
    it = c.members.insert(it, Member{});
    it->user = user;
  }
  return *it;
}

}  // namespace

const Member* find_member(const Conversation& c, const UserId& user) {
  const auto it = place_of(c.members, user);
  return it != c.members.end() && it->user == user ? &*it : nullptr;
}

Member* find_member(Conversation& c, const UserId& user) {
  const auto it = place_of(c.members, user);
  return it != c.members.end() && it->user == user ? &*it : nullptr;
}

UserList active_members(const Conversation& c) {
  UserList users;
  users.reserve(c.head.member_count);
  for (const Member& m : c.members) {
    if (m.active()) users.push_back(m.user);
  }
  return users;
}

void join(Conversation& c, const UserId& user, MemberRole role, std::optional<bool> sharing) {
  Member& m = member_or_new(c, user);
  const Head& head = c.head;
  if (sharing) m.sharing = *sharing;
  m.left.reset();
  m.role = role;
  m.join_seq = head.last_seq;
  m.left_seq = 0;
  m.delivered_seq = head.last_seq;
  m.read_seq = head.last_seq;
  m.read_ordinal = head.last_ordinal;
  m.public_read_seq = head.last_seq;
}

void count_members(Conversation& c) {
  c.head.member_count = static_cast<std::uint32_t>(std::count_if(
      c.members.begin(), c.members.end(), [](const Member& m) { return m.active(); }));
  if (c.head.member_count > limits::small_group_members_max) c.head.large = true;
  c.head.roster_ver = c.head.last_seq;
}

std::shared_ptr<const LeftView> left_view(const Head& head, Position leaving) {
  auto view = std::make_shared<LeftView>();
  view->title = head.title;
  view->member_count = head.member_count;
  view->large = head.large;
  view->last_ts_ms = head.last_ts_ms;
  view->roster_ver = head.roster_ver;
  view->entry_ver = leaving;
  view->delivered_all_seq = head.delivered_all_seq;
  view->read_all_seq = head.read_all_seq;
  view->read_any_seq = head.read_any_seq;
  return view;
}

JoinerSharing::JoinerSharing(const LogRecord& record, const std::vector<UserId>& off)
    : recorded_(record.rules_version >= 4), off_(off) {
  std::sort(off_.begin(), off_.end());
}

std::optional<bool> JoinerSharing::operator()(const UserId& user) const {
  if (!recorded_) return std::nullopt;
  return !std::binary_search(off_.begin(), off_.end(), user);
}

}  // namespace kith::server
