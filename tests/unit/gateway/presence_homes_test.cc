// Presence of users with different homes: two of them, with lanes between that run when a test says so.
#include <gtest/gtest.h>

#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/delivery/session_fanout.h"
#include "server/presence/peer_links.h"
#include "server/presence/presence_service.h"
#include "tests/unit/gateway/one_conversation.h"
#include "tests/unit/gateway/virtual_loop.h"
#include "tests/unit/server/test_lane.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;

// Its answers can be held, each with what was read when it was asked.
class HeldDirectory : public DirectoryMemory {
 public:
  using DirectoryMemory::DirectoryMemory;
  void load(const UserId& id, Done<std::optional<UserRecord>> done) override {
    DirectoryMemory::load(
        id, [this, done = std::move(done)](Result<std::optional<UserRecord>> read) mutable {
          if (!hold) return done(std::move(read));
          held.push_back([done = std::move(done), read = std::move(read)] { done(read); });
        });
  }
  bool hold = false;
  std::vector<std::function<void()>> held;
};

std::string handle_at(std::uint32_t home) {
  std::string handle = "user0";
  while (Home{0, 2}.of(UserId::of(handle)) != home) ++handle.back();
  return handle;
}

class PresenceHomesTest : public ::testing::Test {
 protected:
  // One home, with everything of its process.
  struct Process {
    Process(PresenceHomesTest& test, std::uint32_t number)
        : home{number, 2}, users(test.directory, Users::kBounds, home), links(home) {
      bus.subscribe(
          "g",
          [this](const Delivery& delivery) {
            for (const std::uint64_t session : delivery.sessions) {
              received[session].push_back(*decode_server_frame(*delivery.frame));
            }
          },
          [] {});
      fanout.emplace(registry, bus, "g");
      presence.emplace(users, test.conversation, *fanout, test.loop, 45s, home, &links);
      links.serve(&*presence);
    }
    const Home home;
    Users users;
    BusMemory bus;
    SessionRegistryMemory registry{*static_cast<Scheduler*>(&loop())};
    std::optional<SessionFanout> fanout;
    PeerLinks links;
    std::optional<PresenceService> presence;
    std::map<std::uint64_t, std::vector<v1::ServerFrame>> received;
    static testing::VirtualLoop& loop() { return *current_loop; }
    static inline testing::VirtualLoop* current_loop = nullptr;
  };

  PresenceHomesTest() {
    Process::current_loop = &loop;
    for (const std::uint32_t number : {0U, 1U}) begin(number);
    for (const std::string& handle : {handle_at(0), handle_at(1)}) {
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
    connect();
  }
  void begin(std::uint32_t number) { homes[number] = std::make_unique<Process>(*this, number); }
  void connect() {
    homes[0]->links.connect(1, homes[1]->links, to_second);
    homes[1]->links.connect(0, homes[0]->links, to_first);
    settle();
  }
  // Both notice.
  void lose() {
    to_first.cut();
    to_second.cut();
    homes[0]->links.disconnect(1);
    homes[1]->links.disconnect(0);
  }
  void settle() {
    do loop.settle();
    while (to_first.run_one() || to_second.run_one());
  }
  Process& of(const UserId& user) { return *homes[Home{0, 2}.of(user)]; }
  Caller enter(const UserId& user, std::uint64_t session) {
    const Caller caller{user, DeviceId(), session};
    of(user).registry.add(user, {"g", session, DeviceId()}, [](const Status&) {});
    of(user).users.with(user, [](const Result<Users::Record>&) {});
    loop.settle();
    of(user).presence->session_opened(caller, true);
    settle();
    return caller;
  }
  void watch(const Caller& viewer, const UserId& target, bool on = true) {
    v1::ClientFrame frame;
    auto& subscribe = *frame.mutable_presence_subscribe();
    on ? subscribe.add_add(target.bytes()) : subscribe.add_remove(target.bytes());
    EXPECT_TRUE(of(viewer.user).presence->handle(viewer, frame));
    settle();
  }
  void change(const UserId& user, const UserChange& what) {
    of(user).users.update(user, what,
                          [](const Result<Users::Record>& done) { EXPECT_TRUE(done.ok()); });
    loop.settle();
    of(user).presence->user_changed(user);
    settle();
  }
  void type(const Caller& typist) {
    v1::ClientFrame frame;
    frame.mutable_set_typing()->set_conversation_id(ConversationId().bytes());
    frame.mutable_set_typing()->set_activity(v1::ACTIVITY_TYPING);
    of(typist.user).presence->handle(typist, frame);
    settle();
  }
  v1::PresenceState seen(const Caller& viewer) {
    const auto& frames = of(viewer.user).received[viewer.session];
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      if (frame->has_presence_push()) return frame->presence_push().state();
    }
    return v1::PRESENCE_STATE_UNSPECIFIED;
  }
  std::size_t pushes(const Caller& viewer) {
    return of(viewer.user).received[viewer.session].size();
  }

  const UserId ann = UserId::of(handle_at(0)), bob = UserId::of(handle_at(1));
  testing::VirtualLoop loop;
  HeldDirectory directory{std::make_shared<DirectoryMemory::Disk>(), loop};
  OneConversation conversation;
  std::unique_ptr<Process> homes[2];
  TestLane to_first, to_second;
};

TEST_F(PresenceHomesTest, AViewerSeesAUserOfAnotherHomeComeAndGo) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_OFFLINE);
  const Caller target = enter(ann, 2);
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_ONLINE);
  of(ann).presence->session_closed(target);
  loop.advance(46s);
  settle();
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_OFFLINE);
}

TEST_F(PresenceHomesTest, NothingIsShownBeforeTheOtherHomeHasAnswered) {
  enter(ann, 2);
  const Caller viewer = enter(bob, 1);
  lose();
  watch(viewer, ann);
  EXPECT_EQ(pushes(viewer), 0U) << "neither online nor offline is known";
  connect();
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_ONLINE);
}

TEST_F(PresenceHomesTest, ABlockIsSeenByTheViewersHome) {
  enter(ann, 2);
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  ASSERT_EQ(seen(viewer), v1::PRESENCE_STATE_ONLINE);
  UserChange block;
  block.block = {bob};
  change(ann, block);
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_UNSPECIFIED);
  watch(viewer, ann);  // asked again: no old record answers
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_UNSPECIFIED);
}

TEST_F(PresenceHomesTest, WhatWasReadBeforeABlockIsNotShownAfterIt) {
  enter(ann, 2);
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  ASSERT_EQ(seen(viewer), v1::PRESENCE_STATE_ONLINE);
  directory.hold = true;
  watch(viewer, ann);  // reads, and is slow
  const auto slow = std::move(directory.held);
  directory.held.clear();
  ASSERT_FALSE(slow.empty());
  directory.hold = false;
  UserChange block;
  block.block = {bob};
  change(ann, block);
  ASSERT_EQ(seen(viewer), v1::PRESENCE_STATE_UNSPECIFIED);
  for (const auto& answer : slow) answer();
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_UNSPECIFIED);
}

TEST_F(PresenceHomesTest, AViewerWhoHidesSeesNoMore) {
  enter(ann, 2);
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  UserChange hide;
  hide.privacy = PrivacySettings{};
  hide.privacy->online = Audience::kNobody;
  change(bob, hide);
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_UNSPECIFIED);
}

TEST_F(PresenceHomesTest, AfterALostConnectionTheViewerIsShownTheTruth) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  lose();
  enter(ann, 2);
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_OFFLINE) << "what was shown stays";
  connect();
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_ONLINE);
}

TEST_F(PresenceHomesTest, AHomeThatBeginsAgainIsAskedAgain) {
  enter(ann, 2);
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  lose();
  begin(0);
  connect();
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_OFFLINE);
  enter(ann, 3);
  EXPECT_EQ(seen(viewer), v1::PRESENCE_STATE_ONLINE);
}

TEST_F(PresenceHomesTest, NoHomeHearsOfUsersWhomNobodyThereWatches) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  watch(viewer, ann, false);
  const std::size_t before = pushes(viewer);
  of(ann).presence->session_opened({ann, DeviceId(), 2}, true);
  loop.settle();
  EXPECT_EQ(to_second.size(), 0U);
  settle();
  EXPECT_EQ(pushes(viewer), before);
}

TEST_F(PresenceHomesTest, AHomeThatWasLostIsNotWatchingAnyMore) {
  const Caller viewer = enter(bob, 1);
  watch(viewer, ann);
  homes[0]->links.disconnect(1);
  begin(1);  // it watches nobody
  homes[0]->links.connect(1, homes[1]->links, to_second);
  of(ann).presence->session_opened({ann, DeviceId(), 2}, true);
  loop.settle();
  EXPECT_EQ(to_second.size(), 0U);
}

TEST_F(PresenceHomesTest, TypingIsShownAtTheHomesOfTheOthers) {
  const Caller typist = enter(ann, 2);
  const Caller other = enter(bob, 1);
  type(typist);
  ASSERT_EQ(pushes(other), 1U);
  EXPECT_TRUE(of(bob).received[1].back().has_typing_push());
  UserChange block;
  block.block = {bob};
  change(ann, block);
  type(typist);
  EXPECT_EQ(pushes(other), 1U) << "they may not see each other";
}

TEST_F(PresenceHomesTest, RecordsOfAnotherHomesUsersAreReadEachTime) {
  Users& here = homes[1]->users;
  std::vector<std::string> names;
  const auto ask = [&] {
    here.with(ann, [&](const Result<Users::Record>& record) {
      names.push_back((*record)->display_name);
    });
  };
  ask();
  loop.settle();
  EXPECT_EQ(here.cached(ann), nullptr);
  UserChange name;
  name.display_name = "Ann";
  change(ann, name);
  ask();
  loop.settle();
  EXPECT_EQ(names, (std::vector<std::string>{handle_at(0), "Ann"}));
  EXPECT_NE(homes[0]->users.cached(ann), nullptr) << "at home it is in memory";
}

}  // namespace
}  // namespace kith::server
