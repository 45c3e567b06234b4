// The audience of typing.
#include "server/presence/typing.h"

#include <algorithm>
#include <map>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/presence/visible_presence.h"
#include "src/frame_codec.h"

namespace kith::server {

void Typing::set(const Caller& caller, const v1::SetTyping& request) {
  const auto id = conversation_id(request.conversation_id());
  if (!id) return;
  const bool typing = request.activity() == v1::ACTIVITY_TYPING;
  conversations_.with(
      *id, caller.user,
      guard_.wrap([this, caller, typing](const Result<const Conversation*>& loaded) {
        if (loaded && *loaded != nullptr) found(caller, typing, **loaded);
      }));
}

void Typing::found(const Caller& caller, bool typing, const Conversation& conversation) {
  const auto self_member =
      std::find_if(conversation.members.begin(), conversation.members.end(),
                   [&](const Member& member) { return member.user == caller.user; });
  if (self_member == conversation.members.end() || !self_member->active()) return;
  if (conversation.head.member_count > limits::receipt_detail_members_max) return;
  const UserRecord* typist = users_.cached(caller.user);
  if (typist == nullptr) return;
  std::map<std::uint32_t, std::vector<UserId>> others;  // by home
  for (const Member& member : conversation.members) {
    if (!member.active() || member.user == caller.user) continue;
    others[home_.of(member.user)].push_back(member.user);
  }
  for (auto& [home, members] : others) {
    TypingNotice notice{conversation.head.id, caller.user, typing, std::move(members)};
    if (home == home_.number) {
      show(notice, *typist);
    } else if (peers_ != nullptr) {
      peers_->typing(home, notice);
    }
  }
}

void Typing::heard(const TypingNotice& notice) {
  users_.with(notice.typist, guard_.wrap([this, notice](const Result<Users::Record>& typist) {
    if (typist && *typist != nullptr) show(notice, **typist);
  }));
}

void Typing::show(const TypingNotice& notice, const UserRecord& typist) {
  std::vector<UserId> audience;
  for (const UserId& member : notice.members) {
    // A user who is not in memory has no session here.
    const UserRecord* viewer = users_.cached(member);
    if (viewer != nullptr && may_see_online(typist, *viewer)) audience.push_back(member);
  }
  if (audience.empty()) return;
  v1::ServerFrame frame;
  v1::TypingPush& push = *frame.mutable_typing_push();
  push.set_conversation_id(notice.conversation.bytes());
  push.set_user_id(notice.typist.bytes());
  push.set_activity(notice.typing ? v1::ACTIVITY_TYPING : v1::ACTIVITY_STOPPED);
  const Millis ttl(limits::typing_ttl);
  push.set_ttl_ms(notice.typing ? static_cast<std::uint32_t>(ttl.count()) : 0);
  fanout_.to_users(audience, make_push(frame, DeliveryClass::kEphemeral));
}

}  // namespace kith::server
