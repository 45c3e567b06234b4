// Visibility: the past after leaving, nothing of a block, nothing of others' reading, devices and
// clocks.
#include <gtest/gtest.h>

#include "server/users/devices.h"
#include "src/frame_codec.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::group_id;
using testing::message;

class VisibilityTest : public testing::ServiceTest {
 protected:
  VisibilityTest() { make_group(anna, {bob, cleo}); }

  v1::ServerFrame change(const Caller& by, v1::MemberChangeKind kind,
                         const std::vector<UserId>& who, std::uint8_t n) {
    v1::ClientFrame frame;
    auto& op = *frame.mutable_member_change();
    op.set_conversation_id(group_id().bytes());
    op.set_command_id(message(n).bytes());
    op.set_kind(kind);
    for (const UserId& user : who) op.add_users(user.bytes());
    return ask(by, frame);
  }
  void title(const Caller& by, const std::string& text, std::uint8_t n) {
    v1::ClientFrame frame;
    frame.mutable_update_meta()->set_conversation_id(group_id().bytes());
    frame.mutable_update_meta()->set_command_id(message(n).bytes());
    frame.mutable_update_meta()->set_title(text);
    EXPECT_TRUE(ask(by, frame).has_placed());
  }
  v1::ServerFrame read(const Caller& by, std::uint64_t upto,
                       const ConversationId& id = group_id()) {
    v1::ClientFrame frame;
    frame.mutable_mark_read()->set_conversation_id(id.bytes());
    frame.mutable_mark_read()->set_upto_seq(upto);
    return ask(by, frame);
  }
  void received(const Caller& by, std::uint64_t upto, const ConversationId& id = group_id()) {
    v1::ClientFrame frame;
    v1::HeadRef& head = *frame.mutable_ack_events()->add_upto();
    head.set_conversation_id(id.bytes());
    head.set_seq(upto);
    service.handle(stamped(by), frame, nullptr);
    loop.advance(Millis(50));
  }
  void receipts(const UserId& user, bool on) {
    UserChange off;
    off.privacy = PrivacySettings{};
    off.privacy->receipts = on;
    ServiceTest::change(user, off);
  }
  void block(const UserId& user, const UserId& whom) {
    UserChange blocks;
    blocks.block = {whom};
    ServiceTest::change(user, blocks);
  }
  v1::ConversationState state(const Caller& caller, const ConversationId& id = group_id()) {
    const v1::ServerFrame answer = sync(caller, 0);
    for (const auto& one : answer.sync_page().changed()) {
      if (one.conversation_id() == id.view()) return one;
    }
    ADD_FAILURE() << "not listed";
    return {};
  }
  std::string get(const Caller& caller, std::uint64_t from, std::uint64_t to) {
    v1::ClientFrame frame;
    frame.mutable_get_events()->set_conversation_id(group_id().bytes());
    frame.mutable_get_events()->set_from(from);
    frame.mutable_get_events()->set_to(to);
    return ask(caller, frame).SerializeAsString();
  }
  v1::SendResult say(const Caller& by, const UserId& to, std::uint8_t n,
                     std::uint32_t attempt = 0) {
    v1::OutMessage item = out(n);
    item.set_attempt(attempt);
    v1::ClientFrame frame = batch({item}, ConversationId::direct(by.user, to));
    frame.mutable_send()->set_direct_peer(to.bytes());
    return ask(by, frame).send_result();
  }

  Caller anna = enter(ann, 1);
  Caller bobs = enter(bob, 2);
  Caller cleos = enter(cleo, 3);
};

TEST_F(VisibilityTest, AFormerMemberSeesThePastAsItWasAtLeaving) {
  title(anna, "before", 1);
  send(anna, {out(2)});
  ASSERT_TRUE(change(bobs, v1::MEMBER_CHANGE_KIND_LEAVE, {}, 3).has_placed());
  const v1::ServerFrame listed = sync(bobs, 0);
  const std::string events = get(bobs, 1, 0);
  EXPECT_EQ(state(bobs).title(), "before");
  EXPECT_EQ(state(bobs).member_count(), 2u);
  EXPECT_EQ(state(bobs).role(), v1::MEMBER_ROLE_UNSPECIFIED);
  const std::uint64_t cursor = listed.sync_page().next_cursor();
  pushed.clear();

  title(anna, "bob is gone", 4);
  send(anna, {out(5), out(6)});
  read(cleos, 7);
  received(cleos, 7);
  change(anna, v1::MEMBER_CHANGE_KIND_ADD, {person("dora")}, 7);

  v1::ServerFrame again = sync(bobs, 0);
  again.mutable_sync_page()->set_next_cursor(cursor);  // of all conversations together
  EXPECT_EQ(again.SerializeAsString(), listed.SerializeAsString());
  EXPECT_EQ(get(bobs, 1, 0), events);
  EXPECT_EQ(get(bobs, 1, 99), events);
  EXPECT_TRUE(sync(bobs, cursor).sync_page().changed().empty()) << "nothing is new for him";
  EXPECT_TRUE(pushed[bobs.session].empty());
  EXPECT_EQ(read(bobs, 8).error().code(), v1::ERROR_CODE_NOT_MEMBER);
  // After a restart the store tells the same.
  loop.advance(Millis(5'000));
  const auto stored = disks.store->members.at(group_id()).at(bob);
  ASSERT_NE(stored.left, nullptr);
  EXPECT_EQ(stored.left->title, "before");
}

TEST_F(VisibilityTest, WhoIsRemovedSeesNothingLaterEither) {
  ASSERT_TRUE(change(anna, v1::MEMBER_CHANGE_KIND_REMOVE, {bob}, 1).has_placed());
  const std::string before = state(bobs).SerializeAsString();
  title(anna, "bob is fired", 2);
  EXPECT_EQ(state(bobs).SerializeAsString(), before);
}

TEST_F(VisibilityTest, WhoComesBackSeesThePresent) {
  ASSERT_TRUE(change(anna, v1::MEMBER_CHANGE_KIND_REMOVE, {bob}, 1).has_placed());
  title(anna, "meanwhile", 2);
  ASSERT_TRUE(change(anna, v1::MEMBER_CHANGE_KIND_ADD, {bob}, 3).has_placed());
  EXPECT_EQ(state(bobs).title(), "meanwhile");
  EXPECT_EQ(state(bobs).member_count(), 3u);
  EXPECT_EQ(cache.cached(group_id())->members.size(), 3u);
  for (const Member& m : cache.cached(group_id())->members) EXPECT_EQ(m.left, nullptr);
}

TEST_F(VisibilityTest, ACommandThatIsAskedAgainTellsAFormerMemberNoPresentTime) {
  ASSERT_TRUE(change(bobs, v1::MEMBER_CHANGE_KIND_LEAVE, {}, 1).has_placed());
  v1::ClientFrame create;
  create.mutable_create_conversation()->set_conversation_id(group_id().bytes());
  create.mutable_create_conversation()->set_command_id(message(2).bytes());
  const std::string before = ask(bobs, create).SerializeAsString();
  loop.advance(Millis(10'000));
  send(anna, {out(3)});
  create.mutable_create_conversation()->set_command_id(message(4).bytes());
  EXPECT_EQ(ask(bobs, create).SerializeAsString(), before);
}

TEST_F(VisibilityTest, OthersRecordsThatWaitAreNotTellingAStranger) {
  ASSERT_TRUE(change(bobs, v1::MEMBER_CHANGE_KIND_LEAVE, {}, 1).has_placed());
  loop.advance(Millis(5'000));
  disks.store->read_fault = [] { return std::optional(make_error(ErrorCode::kIo, "no")); };
  v1::OutMessage repeated = out(9);
  repeated.set_attempt(1);  // it waits for the store
  const auto waiting = begin(anna, batch({repeated}));
  loop.advance(Millis(10));
  ASSERT_TRUE(cache.undecided(group_id()));
  EXPECT_FALSE(cache.admission_undecided(group_id(), bob));
  EXPECT_EQ(read(bobs, 99).error().code(), v1::ERROR_CODE_NOT_MEMBER);
  disks.store->read_fault = nullptr;
  loop.advance(Millis(500));
  EXPECT_TRUE(waiting->has_value());
}

// --- blocks ---

// The same answers and views as from somebody who has not blocked.
TEST_F(VisibilityTest, ABlockedSenderSeesNoBlock) {
  const UserId dave = person("dave");
  say(anna, bob, 9);
  say(anna, dave, 9);
  block(bob, ann);
  for (std::uint8_t n = 1; n <= 4; ++n) {
    const auto to_bob = say(anna, bob, n);
    const auto to_dave = say(anna, dave, static_cast<std::uint8_t>(10 + n));
    const v1::Placed& withheld = to_bob.items(0).placed();
    EXPECT_EQ(withheld.ordinal(), to_dave.items(0).placed().ordinal());
    EXPECT_EQ(withheld.seq(), to_dave.items(0).placed().seq());
    EXPECT_EQ(say(anna, bob, n, 1).items(0).placed().ordinal(), withheld.ordinal());
  }
  const ConversationId hers = ConversationId::direct(ann, bob);
  const auto numbers = [&](const v1::ConversationState& s) {
    return std::vector<std::uint64_t>{s.last_seq(), s.last_ordinal(), s.read_seq(),
                                      s.read_ordinal(), s.delivered_seq()};
  };
  EXPECT_EQ(numbers(state(anna, hers)), numbers(state(anna, ConversationId::direct(ann, dave))));
  EXPECT_EQ(history(anna, hers).back().ordinal(), 5u);
  EXPECT_TRUE(history(anna, hers).back().countable());
  // To him nothing counts that she wrote since.
  EXPECT_EQ(state(bobs, hers).last_ordinal(), 1u);
  EXPECT_EQ(history(bobs, hers).back().kind(), v1::EVENT_KIND_VOID);
  EXPECT_EQ(history(bobs, hers).back().ordinal(), 1u);
  // His message follows for her on what she wrote, and for him on what he knows.
  pushed.clear();
  ASSERT_TRUE(say(bobs, ann, 20).items(0).has_placed());
  std::vector<std::uint64_t> heard;
  for (const v1::ServerFrame& frame : pushed[anna.session]) {
    for (const v1::Event& event : frame.event_push().events()) heard.push_back(event.ordinal());
  }
  EXPECT_EQ(heard, std::vector<std::uint64_t>{6});
  EXPECT_EQ(history(bobs, hers).back().ordinal(), 2u);
  EXPECT_EQ(read(anna, 7, hers).error().code(), v1::ERROR_CODE_UNSPECIFIED);
  EXPECT_EQ(state(anna, hers).read_ordinal(), state(anna, hers).last_ordinal());
  EXPECT_EQ(state(bobs, hers).read_ordinal(), state(bobs, hers).last_ordinal());
}

TEST_F(VisibilityTest, BothMayBeBlocked) {
  say(anna, bob, 9);
  block(bob, ann);
  block(ann, bob);
  const ConversationId id = ConversationId::direct(ann, bob);
  say(anna, bob, 1);
  say(bobs, ann, 2);
  EXPECT_EQ(say(bobs, ann, 3).items(0).placed().ordinal(), 3u);
  EXPECT_EQ(say(anna, bob, 4).items(0).placed().ordinal(), 3u);
  for (const Caller& one : {anna, bobs}) {
    EXPECT_EQ(state(one, id).last_ordinal(), 3u);
    EXPECT_EQ(state(one, id).read_ordinal(), 3u);
    EXPECT_EQ(history(one, id).back().ordinal(), 3u);
  }
}

// --- receipts ---

TEST_F(VisibilityTest, WithReceiptsOffNeitherJoiningNorSendingShowsReading) {
  receipts(bob, false);
  const ConversationId direct = ConversationId::direct(bob, ann);
  say(anna, bob, 1);
  say(bobs, ann, 2);
  EXPECT_EQ(state(anna, direct).read_all_seq(), 0u);
  EXPECT_EQ(state(anna, direct).read_any_seq(), 0u);
  const ConversationId other = group_id(2);
  make_group(anna, {bob}, other);
  send(bobs, {out(3)}, other);
  EXPECT_EQ(state(anna, other).read_any_seq(), 0u);
  EXPECT_EQ(state(anna, other).read_all_seq(), 0u);
  send(bobs, {out(4)});  // he shared them when he joined
  v1::ClientFrame readers;
  readers.mutable_get_readers()->set_conversation_id(group_id().bytes());
  readers.mutable_get_readers()->set_seq(2);
  EXPECT_EQ(ask(anna, readers).readers_page().read_count(), 0u);
  receipts(bob, true);
  send(bobs, {out(5)});
  EXPECT_EQ(ask(anna, readers).readers_page().read_count(), 1u);
}

TEST_F(VisibilityTest, AMessageThatIsNotThereHasNoReaders) {
  send(anna, {out(1)});
  v1::ClientFrame readers;
  readers.mutable_get_readers()->set_conversation_id(group_id().bytes());
  readers.mutable_get_readers()->set_seq(2);
  EXPECT_TRUE(ask(anna, readers).has_readers_page());
  readers.mutable_get_readers()->set_seq(3);
  EXPECT_EQ(ask(anna, readers).error().code(), v1::ERROR_CODE_NOT_FOUND);
}

TEST_F(VisibilityTest, ReadingInPrivateMovesNothing) {
  send(anna, {out(1)});
  for (const Caller& one : {bobs, cleos}) received(one, 2);
  read(cleos, 2);  // bob is the last who has not
  receipts(bob, false);
  const std::string before = state(anna).SerializeAsString();
  v1::ClientFrame readers;
  readers.mutable_get_readers()->set_conversation_id(group_id().bytes());
  readers.mutable_get_readers()->set_seq(2);
  const std::string readers_before = ask(anna, readers).SerializeAsString();
  pushed.clear();
  read(bobs, 2);
  EXPECT_EQ(state(anna).SerializeAsString(), before);
  EXPECT_EQ(ask(anna, readers).SerializeAsString(), readers_before);
  EXPECT_TRUE(pushed[anna.session].empty());
}

// --- devices and clocks ---

TEST_F(VisibilityTest, NobodyLearnsDevicesOrClocks) {
  v1::OutMessage item = out(1);
  item.set_client_ts_ms(1'234);
  Caller from = anna;
  from.device = DeviceId(std::array<std::uint8_t, 16>{7});
  send(from, {item});
  const auto seen = pushed[bobs.session].back().event_push().events(0);
  EXPECT_TRUE(seen.sender_device().empty());
  EXPECT_EQ(seen.client_ts_ms(), 0u);
  EXPECT_TRUE(history(bobs).back().sender_device().empty());
}

// --- a device that was revoked ---

// When it comes back at once it is listed again: storing visits to the minute hides no change.
TEST_F(VisibilityTest, ARevokedDeviceThatComesBackIsSeenAtOnce) {
  Devices devices(directory);
  const DeviceId id(std::array<std::uint8_t, 16>{9});
  const auto record = [&](std::int64_t seen_ms, std::int64_t revoked_ms) {
    DeviceRecord made;
    made.id = id;
    made.last_seen_ms = seen_ms;
    made.revoked_ms = revoked_ms;
    return made;
  };
  const auto stored = [&] {
    DeviceRecord found;
    devices.with(ann, [&](const Result<Devices::List>& list) { found = (*list)->front(); });
    loop.settle();
    return found;
  };
  devices.seen(ann, record(1'000'000, 0));
  loop.settle();
  stored();
  devices.put(ann, record(0, 1'001'000), [](const Status&) {});
  loop.settle();
  EXPECT_LT(stored().last_seen_ms, stored().revoked_ms);
  devices.seen(ann, record(1'002'000, 0));
  loop.settle();
  EXPECT_GT(stored().last_seen_ms, stored().revoked_ms);
}

// --- one id, twice, as new each time ---

// Also when its event is not in memory any more: the server doubts that it is new.
TEST_F(VisibilityTest, AnIdThatIsUsedAgainAsNewIsKnown) {
  const auto first = send(anna, {out(1)});
  for (std::uint32_t n = 0; n <= limits::recent_events; n += 16) {
    std::vector<v1::OutMessage> items;
    for (std::uint32_t i = 0; i < 16; ++i) {
      items.push_back(out(0));
      items.back().set_message_id(
          MessageId(std::array<std::uint8_t, 16>{1, static_cast<std::uint8_t>(n >> 4),
                                                 static_cast<std::uint8_t>(i)})
              .bytes());
    }
    send(anna, items);
    loop.advance(Millis(1'500));
  }
  const auto again = send(anna, {out(1)});
  EXPECT_EQ(again.items(0).placed().seq(), first.items(0).placed().seq());
  EXPECT_TRUE(again.items(0).placed().duplicate());
}

}  // namespace
}  // namespace kith::server
