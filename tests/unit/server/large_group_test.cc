// A group of 10,000: the cost of a message, the pushes, and the way in which the other members get it.
#include <gtest/gtest.h>

#include <algorithm>

#include "kith/core/limits.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;
using testing::group_id;
using testing::message;
using testing::NextProcess;

// With nothing to spare for those who only listen.
class LargeGroupTest : public testing::ServiceTest {
 protected:
  explicit LargeGroupTest(std::uint32_t large_pushes_per_s = 0) : ServiceTest(large_pushes_per_s) {
    CreateOp op{ConversationType::kGroup, "large", {bob, cleo}};
    while (op.members.size() + 1 < limits::group_members_max - 1) {
      op.members.push_back(UserId::of("member" + std::to_string(op.members.size())));
    }
    made = decide_now(ann, op);
    loop.advance(limits::large_head_interval);
    pushed.clear();
  }
  Outcome decide_now(const UserId& sender, decltype(LogRecord::op) op,
                     const ConversationId& id = group_id()) {
    LogRecord record;
    record.conversation = id;
    record.command_id = message(static_cast<std::uint8_t>(200 + commands++));
    record.sender = sender;
    record.rules_version = kRulesVersion;
    record.op = std::move(op);
    Outcome result;
    cache.append(std::move(record), [&result](const Result<Outcome>& outcome) {
      ASSERT_TRUE(outcome.ok());
      result = *outcome;
    });
    loop.settle();
    EXPECT_FALSE(result.error);
    return result;
  }
  v1::ServerFrame sync_knowing(const Caller& caller, std::uint64_t cursor, std::uint64_t head) {
    v1::ClientFrame frame;
    frame.mutable_sync()->set_cursor(cursor);
    frame.mutable_sync()->add_large_heads()->set_conversation_id(group_id().bytes());
    frame.mutable_sync()->mutable_large_heads(0)->set_seq(head);
    return ask(caller, frame);
  }
  v1::ServerFrame read_up_to(const Caller& caller, std::uint64_t seq) {
    v1::ClientFrame frame;
    frame.mutable_mark_read()->set_conversation_id(group_id().bytes());
    frame.mutable_mark_read()->set_upto_seq(seq);
    return ask(caller, frame);
  }
  // The events and heads pushed to a session since the last call: "e2" or "h2".
  std::vector<std::string> told(const Caller& caller) {
    std::vector<std::string> found;
    for (const v1::ServerFrame& frame : std::exchange(pushed[caller.session], {})) {
      for (const v1::Event& event : frame.event_push().events()) {
        found.push_back("e" + std::to_string(event.seq()));
      }
      if (frame.has_head_push()) {
        found.push_back("h" + std::to_string(frame.head_push().last_seq()));
      }
    }
    return found;
  }
  using Told = std::vector<std::string>;

  int commands = 0;
  Outcome made;
  Caller anna = enter(ann, 1);
  Caller bobs = enter(bob, 2);
  Caller cleos = enter(cleo, 3);
};

TEST_F(LargeGroupTest, AMessageTouchesItsSenderOnly) {
  EXPECT_EQ(made.marks.size(), limits::group_members_max - 1);
  const Outcome sent = decide_now(ann, SendOp{});
  EXPECT_TRUE(sent.marks.empty());
  EXPECT_TRUE(sent.audience.empty());
  EXPECT_EQ(sent.changed_members, (UserList{ann}));
  const Outcome read = decide_now(bob, ReceiptOp{2, 2, 1, true});
  EXPECT_EQ(read.marks, (UserList{bob}));  // for bob's other devices
  EXPECT_EQ(read.changed_members, (UserList{bob}));
}

TEST_F(LargeGroupTest, ListenersAreToldHeadsAndThoseWhoTakePartEvents) {
  send(anna, {out(1)});
  EXPECT_EQ(told(bobs), Told{"h2"});
  EXPECT_EQ(told(cleos), Told{"h2"});
  EXPECT_TRUE(told(anna).empty());  // the sending session
  EXPECT_TRUE(read_up_to(bobs, 2).has_ack());
  loop.advance(limits::large_head_interval);
  send(anna, {out(2)});
  EXPECT_EQ(told(bobs), Told{"e3"});
  EXPECT_EQ(told(cleos), Told{"h3"});
  loop.advance(limits::large_active_for);
  send(anna, {out(3)});
  EXPECT_EQ(told(bobs), Told{"h4"});
}

// Two listeners: enough for four messages of a size at once, and for two a second.
class SpareLargeGroupTest : public LargeGroupTest {
 protected:
  SpareLargeGroupTest() : LargeGroupTest(4) {}
  v1::OutMessage long_message(std::uint8_t n, std::size_t bytes) {
    v1::Content content;
    content.mutable_plain()->set_text(std::string(bytes, 'x'));
    v1::OutMessage item = out(n);
    item.set_content(content.SerializeAsString());
    return item;
  }
};

TEST_F(SpareLargeGroupTest, ListenersGetEventsWhileThereArePushesToSpare) {
  send(anna, {out(1)});
  EXPECT_EQ(told(bobs), Told{"e2"});
  EXPECT_EQ(told(cleos), Told{"e2"});
  EXPECT_TRUE(told(anna).empty());
  for (std::uint8_t n = 2; n <= 6; ++n) send(anna, {out(n)});
  EXPECT_EQ(told(cleos), (Told{"e3", "e4", "e5"}));
  loop.advance(500ms);  // until there are pushes again
  EXPECT_EQ(told(cleos), (Told{"e6", "e7"}));
  loop.advance(10 * limits::large_head_interval);
  EXPECT_TRUE(told(cleos).empty());
  send(anna, {out(7)});
  EXPECT_EQ(told(cleos), Told{"e8"});
}

TEST_F(SpareLargeGroupTest, ListenersAreToldAHeadOfWhatIsTooMuch) {
  for (std::uint8_t n = 1; n <= 4; ++n) send(anna, {out(n)});
  for (std::uint8_t n = 5; n <= 8; ++n) send(anna, {long_message(n, 3'000)});
  told(cleos);
  loop.advance(limits::large_head_interval / 2);
  EXPECT_TRUE(told(cleos).empty());
  loop.advance(limits::large_head_interval / 2);
  EXPECT_EQ(told(cleos), Told{"h9"});
  send(anna, {out(9)});  // in the pause behind a head
  EXPECT_TRUE(told(cleos).empty());
  loop.advance(limits::large_head_interval);
  EXPECT_EQ(told(cleos), Told{"e10"});
  send(anna, {out(10)});
  EXPECT_EQ(told(cleos), Told{"e11"});
}

TEST_F(SpareLargeGroupTest, WhoJoinsIsNotPushedWhatWasSaidBefore) {
  const Caller dora = enter(person("dora"), 4);
  for (std::uint8_t n = 1; n <= 5; ++n) send(anna, {out(n)});
  decide_now(ann, MembershipOp{MemberChangeKind::kAdd, {dora.user}, MemberRole::kNone});
  loop.advance(limits::large_head_interval);
  const Told dora_told = told(dora);
  EXPECT_FALSE(std::count(dora_told.begin(), dora_told.end(), "e6"));
  EXPECT_TRUE(std::count(dora_told.begin(), dora_told.end(), "e7"));
  const Told cleo_told = told(cleos);
  EXPECT_EQ(cleo_told.back(), "h7");
}

TEST_F(SpareLargeGroupTest, ALongMessageCountsForSeveral) {
  send(anna, {long_message(1, 3'000)});
  EXPECT_EQ(told(bobs), Told{"e2"});
  send(anna, {out(2)});
  EXPECT_TRUE(told(bobs).empty());
  loop.advance(500ms);
  EXPECT_EQ(told(bobs), Told{"e3"});
}

TEST_F(LargeGroupTest, HeadsAreGathered) {
  for (std::uint8_t n = 1; n <= 6; ++n) send(anna, {out(n)});
  EXPECT_EQ(told(cleos), Told{"h2"});
  loop.advance(limits::large_head_interval);
  EXPECT_EQ(told(cleos), Told{"h7"});
  loop.advance(10 * limits::large_head_interval);
  EXPECT_TRUE(told(cleos).empty());
}

TEST_F(LargeGroupTest, WhoIsMentionedGetsTheEvent) {
  v1::OutMessage item = out(1);
  item.add_mentions(cleo.bytes());
  item.add_mentions(UserId::of("stranger").bytes());
  send(anna, {item});
  const Told cleo_told = told(cleos);
  EXPECT_TRUE(std::count(cleo_told.begin(), cleo_told.end(), "e2"));
  EXPECT_EQ(told(bobs), Told{"h2"});
}

TEST_F(LargeGroupTest, WhoComesAndWhoGoesIsToldAndMarked) {
  const Caller dora = enter(person("dora"), 4);
  send(anna, {out(1)});
  EXPECT_TRUE(told(dora).empty());
  const Outcome added =
      decide_now(ann, MembershipOp{MemberChangeKind::kAdd, {dora.user}, MemberRole::kNone});
  EXPECT_EQ(added.marks, (UserList{dora.user}));
  EXPECT_EQ(added.changed_members, (UserList{dora.user, ann}));
  const Told dora_told = told(dora);
  EXPECT_TRUE(std::count(dora_told.begin(), dora_told.end(), "e3"));
  EXPECT_EQ(sync(dora, 0).sync_page().changed_size(), 1);
  const Outcome removed =
      decide_now(ann, MembershipOp{MemberChangeKind::kRemove, {bob}, MemberRole::kNone});
  EXPECT_EQ(removed.marks, (UserList{bob}));
  loop.advance(2 * limits::large_head_interval);
  told(bobs);
  told(dora);
  send(anna, {out(2)});
  EXPECT_TRUE(told(bobs).empty());
  EXPECT_EQ(told(dora), Told{"h5"});
}

TEST_F(LargeGroupTest, AClosedSessionIsToldNothing) {
  send(anna, {out(1)});
  told(cleos);
  router.session_closed(cleos);
  loop.advance(limits::large_head_interval);
  send(anna, {out(2)});
  EXPECT_TRUE(told(cleos).empty());
  const Caller again = enter(cleo, 9);
  loop.advance(limits::large_head_interval);
  send(anna, {out(3)});
  EXPECT_EQ(told(again), Told{"h4"});
}

TEST_F(LargeGroupTest, ASyncComparesTheHead) {
  const v1::SyncPage first = sync(cleos, 0).sync_page();
  ASSERT_EQ(first.changed_size(), 1);
  const std::uint64_t cursor = first.next_cursor();
  EXPECT_EQ(sync(cleos, cursor).sync_page().changed_size(), 0);
  send(anna, {out(1)});
  EXPECT_LE(disks.feed->entries.at(cleo).at(group_id()).ver, cursor)
      << "nothing was written for her";
  const v1::SyncPage second = sync(cleos, cursor).sync_page();
  ASSERT_EQ(second.changed_size(), 1);
  EXPECT_EQ(second.changed(0).last_seq(), 2u);
  EXPECT_EQ(sync_knowing(cleos, cursor, 1).sync_page().changed_size(), 1);
  EXPECT_EQ(sync_knowing(cleos, cursor, 2).sync_page().changed_size(), 0);
  // Read on another device: a mark of her own, whatever head she knows.
  decide_now(cleo, ReceiptOp{2, 2, 1, true});
  EXPECT_EQ(sync_knowing(cleos, cursor, 2).sync_page().changed_size(), 1);
}

TEST_F(LargeGroupTest, ANewProcessFindsTheHeadsAgainWhateverIsApplied) {
  const std::uint64_t cursor = sync(cleos, 0).sync_page().next_cursor();
  disks.store->apply_delay = [] { return Millis(1'000'000); };
  decide_now(ann, SendOp{});
  NextProcess next(disks, loop);
  ASSERT_TRUE(next.start().ok());
  std::vector<FeedChange> found;
  next.feed.changed(cleo, cursor, 10, [&](Result<std::vector<FeedChange>> result) {
    ASSERT_TRUE(result.ok());
    found = *result;
  });
  loop.settle();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_FALSE(found[0].marked);
  EXPECT_GT(found[0].ver, cursor);
}

TEST_F(LargeGroupTest, ASnapshotPutsItWhereItsLastMessageBelongs) {
  for (std::uint8_t n = 10; n < 14; ++n) make_group(anna, {cleo}, group_id(n));
  send(anna, {out(1)});
  const v1::SyncPage page = sync(cleos, 0, true).sync_page();
  ASSERT_EQ(page.changed_size(), 5);
  EXPECT_EQ(page.changed(0).conversation_id(), group_id().bytes());
}

TEST_F(LargeGroupTest, AGroupThatGrowsLargeKeepsTellingItsOldMembers) {
  CreateOp small{ConversationType::kGroup, "growing", {bob, cleo}};
  const ConversationId id = group_id(7);
  while (small.members.size() + 1 < limits::small_group_members_max) {
    small.members.push_back(UserId::of("old" + std::to_string(small.members.size())));
  }
  EXPECT_FALSE(decide_now(ann, small, id).large);
  sync(cleos, 0);  // her groups are in memory before
  const std::uint64_t cursor = sync(cleos, 0).sync_page().next_cursor();
  told(cleos);
  const Outcome grown = decide_now(
      ann, MembershipOp{MemberChangeKind::kAdd, {UserId::of("new")}, MemberRole::kNone}, id);
  EXPECT_TRUE(grown.large);
  EXPECT_EQ(grown.marks.size(), 1u);
  EXPECT_EQ(told(cleos), Told{"h2"});
  ASSERT_EQ(sync(cleos, cursor).sync_page().changed_size(), 1);
  EXPECT_TRUE(sync(cleos, cursor).sync_page().changed(0).large());
}

}  // namespace
}  // namespace kith::server
