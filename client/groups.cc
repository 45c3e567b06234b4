// Groups: commands in pieces, members page by page.
#include "client/groups.h"

#include <algorithm>
#include <utility>

#include "client/wire_ids.h"
#include "kith/core/limits.h"

namespace kith::client {

void Groups::change_members(const ConversationId& group, MemberChangeOf what,
                            const std::vector<UserId>& users, MemberRole role, Done<void> done) {
  v1::ClientFrame frame;
  v1::MemberChange& change = *frame.mutable_member_change();
  change.set_conversation_id(group.bytes());
  change.set_command_id(ids_.next_command().bytes());
  change.set_kind(static_cast<v1::MemberChangeKind>(what));
  const std::size_t now = std::min(users.size(), limits::members_change_max);
  for (std::size_t i = 0; i < now; ++i) change.add_users(users[i].bytes());
  if (what == MemberChangeOf::kSetRole) change.set_role(static_cast<v1::MemberRole>(role));
  if (now == users.size()) return requests_.change(frame, std::move(done));
  std::vector<UserId> others(users.begin() + static_cast<std::ptrdiff_t>(now), users.end());
  requests_.change(frame, [this, group, what, role, others = std::move(others),
                           done = std::move(done)](Status s) {
    if (!s) return done(std::move(s));
    change_members(group, what, others, role, done);
  });
}

void Groups::rename(const ConversationId& group, const std::string& title, Done<void> done) {
  v1::ClientFrame frame;
  v1::UpdateMeta& update = *frame.mutable_update_meta();
  update.set_conversation_id(group.bytes());
  update.set_command_id(ids_.next_command().bytes());
  update.set_title(title);
  requests_.change(frame, std::move(done));
}

void Groups::members(const ConversationId& group, Done<std::vector<Member>> done) {
  members_page(group, {}, done);
}

void Groups::members_page(const ConversationId& group, const Page& before,
                          const Done<std::vector<Member>>& done) {
  v1::ClientFrame frame;
  v1::GetMembers& get = *frame.mutable_get_members();
  get.set_conversation_id(group.bytes());
  get.set_page_token(before.next);
  get.set_limit(limits::members_page_max);
  requests_.ask<Page>(
      frame,
      [this, group, done](Result<Page> page) {
        if (!page) {
          done(page.error());
        } else if (page->next.empty()) {
          done(std::move(page->found));
        } else {
          members_page(group, *page, done);
        }
      },
      [this, found = before.found](const v1::ServerFrame& answer) -> std::optional<Page> {
        if (!answer.has_members_page()) return std::nullopt;
        const v1::MembersPage& page = answer.members_page();
        Page next{found, {}};
        for (const v1::Member& m : page.members()) {
          next.found.push_back({id_of<UserId>(m.user_id()), static_cast<MemberRole>(m.role())});
          profiles_.want(next.found.back().user);
        }
        const bool more = page.more() && page.members_size() > 0;
        if (more && next.found.size() < limits::group_members_max) next.next = page.page_token();
        return next;
      });
}

}  // namespace kith::client
