// The people who are notified that somebody is here, was here, or is typing.
#include "server/presence/presence_service.h"

#include <gtest/gtest.h>

#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/delivery/session_fanout.h"
#include "tests/unit/gateway/one_conversation.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;

class PresenceTest : public ::testing::Test {
 protected:
  PresenceTest() {
    bus.subscribe(
        "g",
        [this](const Delivery& delivery) {
          for (const std::uint64_t session : delivery.sessions) {
            received[session].push_back(*decode_server_frame(*delivery.frame));
          }
        },
        [] {});
    for (const char* handle : {"ann", "bob"}) {
      directory.create({handle, handle, ""}, [](const Status&) {});
    }
    loop.settle();
    conversation.value.head.member_count = 2;
    for (const UserId& user : {ann, bob}) {
      Member member;
      member.user = user;
      member.role = MemberRole::kMember;
      conversation.value.members.push_back(member);
    }
  }
  Caller enter(const UserId& user, std::uint64_t session) {
    const Caller caller{user, DeviceId(), session};
    registry.add(user, {"g", session, DeviceId()}, [](const Status&) {});
    users.with(user, [](const Result<Users::Record>&) {});
    loop.settle();
    presence.session_opened(caller, true);
    loop.settle();
    return caller;
  }
  void leave(const Caller& caller) {
    registry.remove(caller.user, {"g", caller.session, DeviceId()});
    presence.session_closed(caller);
    loop.settle();
  }
  void watch(const Caller& viewer, const UserId& target) {
    v1::ClientFrame frame;
    frame.mutable_presence_subscribe()->add_add(target.bytes());
    EXPECT_TRUE(presence.handle(viewer, frame));
    loop.settle();
  }
  void type(const Caller& typist) {
    v1::ClientFrame frame;
    frame.mutable_set_typing()->set_conversation_id(ConversationId().bytes());
    frame.mutable_set_typing()->set_activity(v1::ACTIVITY_TYPING);
    presence.handle(typist, frame);
    loop.settle();
  }
  void change(const UserId& user, const UserChange& what) {
    users.update(user, what, [](const Result<Users::Record>& done) { EXPECT_TRUE(done.ok()); });
    loop.settle();
    presence.user_changed(user);
    loop.settle();
  }
  v1::PresencePush seen(std::uint64_t session) {
    for (auto frame = received[session].rbegin(); frame != received[session].rend(); ++frame) {
      if (frame->has_presence_push()) return frame->presence_push();
    }
    return {};
  }

  const UserId ann = UserId::of("ann"), bob = UserId::of("bob");
  testing::VirtualLoop loop;
  DirectoryMemory directory{std::make_shared<DirectoryMemory::Disk>(), loop};
  SessionRegistryMemory registry{loop};
  BusMemory bus;
  Users users{directory};
  OneConversation conversation;
  SessionFanout fanout{registry, bus, "g"};
  PresenceService presence{users, conversation, fanout, loop, 45s};
  std::map<std::uint64_t, std::vector<v1::ServerFrame>> received;
};

TEST_F(PresenceTest, OnlineIsToldAtOnceAndOfflineAfterTheGrace) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  EXPECT_EQ(seen(1).state(), v1::PRESENCE_STATE_OFFLINE);
  const Caller caller = enter(ann, 2);
  EXPECT_EQ(seen(1).state(), v1::PRESENCE_STATE_ONLINE);
  loop.advance(60s);
  const std::int64_t left = loop.clock().wall().ms;
  leave(caller);
  loop.advance(44s);
  EXPECT_EQ(seen(1).state(), v1::PRESENCE_STATE_ONLINE);
  loop.advance(2s);
  EXPECT_EQ(seen(1).state(), v1::PRESENCE_STATE_OFFLINE);
  EXPECT_EQ(seen(1).last_seen_ms(), static_cast<std::uint64_t>(left / 60'000 * 60'000));
}

TEST_F(PresenceTest, AShortAbsenceIsNotTold) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  const Caller first = enter(ann, 2);
  const std::size_t told = received[1].size();
  for (std::uint64_t session = 3; session < 10; ++session) {
    leave(session == 3 ? first : Caller{ann, DeviceId(), session - 1});
    loop.advance(20s);
    enter(ann, session);
  }
  EXPECT_EQ(received[1].size(), told);
}

TEST_F(PresenceTest, NobodyFlickersWhileTheServerDrains) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  const Caller caller = enter(ann, 2);
  presence.freeze();
  leave(caller);
  loop.advance(120s);
  EXPECT_EQ(seen(1).state(), v1::PRESENCE_STATE_ONLINE);
}

// every combination of rules on both sides, over subscribe and change.
TEST_F(PresenceTest, PrivacyMatrix) {
  const Caller viewer = enter(bob, 1);
  enter(ann, 2);
  watch(viewer, ann);
  const auto allows = [](Audience rule, bool contact) {
    return rule == Audience::kEveryone || (rule == Audience::kContacts && contact);
  };
  for (const Audience target : {Audience::kEveryone, Audience::kContacts, Audience::kNobody}) {
    for (const Audience own : {Audience::kEveryone, Audience::kContacts, Audience::kNobody}) {
      for (int bits = 0; bits < 16; ++bits) {
        const bool ann_knows_bob = bits & 1, bob_knows_ann = bits & 2;
        const bool ann_blocks = bits & 4, bob_blocks = bits & 8;
        UserChange a, b;
        a.privacy = PrivacySettings{target, Audience::kNobody, true};
        b.privacy = PrivacySettings{own, Audience::kEveryone, true};
        (ann_knows_bob ? a.add_contacts : a.remove_contacts) = {bob};
        (bob_knows_ann ? b.add_contacts : b.remove_contacts) = {ann};
        (ann_blocks ? a.block : a.unblock) = {bob};
        (bob_blocks ? b.block : b.unblock) = {ann};
        change(ann, a);
        change(bob, b);
        const bool visible = !ann_blocks && !bob_blocks && allows(target, ann_knows_bob) &&
                             allows(own, bob_knows_ann);
        EXPECT_EQ(seen(1).state(),
                  visible ? v1::PRESENCE_STATE_ONLINE : v1::PRESENCE_STATE_UNSPECIFIED)
            << int(target) << int(own) << bits;
        EXPECT_EQ(seen(1).last_seen_ms(), 0U);
      }
    }
  }
}

TEST_F(PresenceTest, AnInactiveSessionIsToldTheLatestWhenItReturns) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  presence.session_active(viewer, false);
  const std::size_t told = received[1].size();
  enter(ann, 2);
  EXPECT_EQ(received[1].size(), told);
  presence.session_active(viewer, true);
  loop.settle();
  EXPECT_EQ(seen(1).state(), v1::PRESENCE_STATE_ONLINE);
}

TEST_F(PresenceTest, TypingExpiresByItselfAndIsHiddenFromBlocked) {
  enter(bob, 1);
  const Caller typist = enter(ann, 2);
  type(typist);
  ASSERT_EQ(received[1].size(), 1U);
  EXPECT_EQ(received[1][0].typing_push().ttl_ms(), 5'000U);
  UserChange block;
  block.block = {bob};
  change(ann, block);
  type(typist);
  EXPECT_EQ(received[1].size(), 1U);
}

TEST_F(PresenceTest, TypingIsNotToldInLargeGroupsNorByStrangers) {
  enter(bob, 1);
  const Caller typist = enter(ann, 2);
  conversation.value.head.member_count = 65;
  type(typist);
  conversation.value.head.member_count = 2;
  conversation.value.members.erase(conversation.value.members.begin());
  type(typist);
  EXPECT_TRUE(received[1].empty());
}

}  // namespace
}  // namespace kith::server
