// A change of a user's own state reaches every device, wherever the server ends.
#include "server/people/people_service.h"

#include <gtest/gtest.h>

#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;
using testing::NextProcess;

class PeopleServiceTest : public testing::ServiceTest {
 protected:
  PeopleServiceTest() {
    hooks.changed = [this](const UserId&) { ++told; };
    people = std::make_unique<PeopleService>(directory, users, devices, feed, router, fanout,
                                             loop.clock(), hooks);
    make_group(phone, {ann});
    const v1::SyncPage page = sync(tablet, 0).sync_page();
    EXPECT_FALSE(page.user_state().settings().receipts_off());
    cursor = page.next_cursor();
  }
  // Asks without waiting.
  std::shared_ptr<std::optional<v1::ServerFrame>> hide_receipts(const Caller& caller) {
    v1::ClientFrame frame;
    frame.mutable_update_settings()->mutable_settings()->set_receipts_off(true);
    auto answer = std::make_shared<std::optional<v1::ServerFrame>>();
    people->handle(caller, frame, [answer](v1::ServerFrame&& reply) { *answer = reply; });
    return answer;
  }
  // The directory takes a second; meanwhile the tablet asks, and gets the old settings.
  std::shared_ptr<std::optional<v1::ServerFrame>> hide_receipts_while_the_tablet_asks() {
    disks.people->delay = [] { return Millis(1s); };
    auto answer = hide_receipts(phone);
    loop.advance(100ms);
    const v1::SyncPage page = sync(tablet, cursor).sync_page();
    EXPECT_FALSE(page.user_state().settings().receipts_off());
    cursor = page.next_cursor();
    return answer;
  }

  Caller phone = enter(bob, 1);
  Caller tablet = enter(bob, 2);
  Devices devices{directory};
  PeopleHooks hooks;
  int told = 0;
  std::unique_ptr<PeopleService> people;
  std::uint64_t cursor = 0;  // of the tablet
};

TEST_F(PeopleServiceTest, NobodyBlocksThemselves) {
  v1::ClientFrame block;
  block.mutable_update_contacts()->add_block(bob.bytes());
  v1::ClientFrame contact;
  contact.mutable_update_contacts()->add_add(bob.bytes());
  for (const v1::ClientFrame& frame : {block, contact}) {
    std::optional<v1::ServerFrame> answer;
    people->handle(phone, frame, [&answer](v1::ServerFrame&& reply) { answer = reply; });
    loop.advance(50ms);
    ASSERT_TRUE(answer.has_value() && answer->has_error());
    EXPECT_EQ(answer->error().code(), v1::ERROR_CODE_INVALID_ARGUMENT);
  }
  EXPECT_EQ(told, 0);
}

TEST_F(PeopleServiceTest, AChangeIsReadByWhoeverAsksAfterItsAnswer) {
  const auto answer = hide_receipts(phone);
  loop.advance(50ms);
  ASSERT_TRUE(answer->has_value() && (*answer)->has_ack());
  EXPECT_EQ(told, 1);
  const v1::SyncPage page = sync(tablet, cursor).sync_page();
  EXPECT_TRUE(page.user_state().settings().receipts_off());
  EXPECT_EQ(page.next_cursor(), cache.progress().decided());
  EXPECT_FALSE(sync(tablet, page.next_cursor()).sync_page().has_user_state());
}

TEST_F(PeopleServiceTest, WhoAskedWhileTheChangeWasWrittenIsRungAndAsksAgain) {
  hide_receipts_while_the_tablet_asks();
  pushed.clear();
  loop.advance(1s);
  ASSERT_EQ(pushed[2].size(), 1u);
  EXPECT_GT(pushed[2][0].feed_notice().ver(), cursor);
  EXPECT_TRUE(pushed[1].empty()) << "it has its answer";
  EXPECT_TRUE(sync(tablet, cursor).sync_page().user_state().settings().receipts_off());
}

// The log takes nothing more, then the process ends: nothing that it would have done behind the
// writing is done.
TEST_F(PeopleServiceTest, WhoAskedWhileTheChangeWasWrittenReadsItFromTheNextProcess) {
  hide_receipts_while_the_tablet_asks();
  disks.log->commit_fault = [] { return make_error(ErrorCode::kDiskFull, "full"); };
  loop.advance(1s);
  ASSERT_FALSE(disks.people->accounts.at(bob).user.privacy.receipts);

  disks.log->commit_fault = nullptr;
  disks.people->delay = nullptr;
  NextProcess next(disks, loop);
  ASSERT_TRUE(next.start().ok());
  SyncService again{next.feed, next.conversations, next.users};
  v1::ClientFrame frame;
  frame.mutable_sync()->set_cursor(cursor);
  v1::ServerFrame answer;
  again.sync(tablet, frame.sync(),
             Reply([&](v1::ServerFrame&& reply) { answer = std::move(reply); }));
  loop.advance(50ms);
  ASSERT_TRUE(answer.sync_page().has_user_state());
  EXPECT_TRUE(answer.sync_page().user_state().settings().receipts_off());
}

TEST_F(PeopleServiceTest, AChangeThatCannotBeWrittenHoldsNobodyBack) {
  disks.people->fault = [] { return make_error(ErrorCode::kUnavailable, "no"); };
  const auto answer = hide_receipts(phone);
  loop.advance(50ms);
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->error().code(), v1::ERROR_CODE_UNAVAILABLE);
  EXPECT_EQ(told, 0);
  EXPECT_EQ(sync(tablet, cursor).sync_page().next_cursor(), cache.progress().decided());
}

TEST_F(PeopleServiceTest, OfSeveralChangesTheFirstUnwrittenOneIsNotPassed) {
  std::vector<UserStates::Hold> holds;
  std::vector<FeedVersion> marks;
  for (int i = 0; i < 3; ++i) {
    holds.push_back(feed.hold(bob));
    cache.mark_user(bob, phone.device, [](const Status& marked) { EXPECT_TRUE(marked.ok()); });
    loop.advance(10ms);
    feed.user_state(bob, [&](Result<FeedVersion> mark) { marks.push_back(*mark); });
  }
  ASSERT_EQ(marks.size(), 3u);
  feed.settle(bob, holds[1]);
  EXPECT_EQ(sync(tablet, cursor).sync_page().next_cursor(), marks[0] - 1);
  EXPECT_EQ(sync(tablet, 1'000).sync_reset().snapshot_cursor(), marks[0] - 1);
  feed.settle(bob, holds[0]);
  EXPECT_EQ(sync(tablet, cursor).sync_page().next_cursor(), marks[2] - 1);
  EXPECT_EQ(sync(enter(ann, 3), 0).sync_page().next_cursor(), marks[2]) << "they are not hers";
  feed.settle(bob, holds[2]);
  EXPECT_EQ(sync(tablet, cursor).sync_page().next_cursor(), marks[2]);
}

}  // namespace
}  // namespace kith::server
