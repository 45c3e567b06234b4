// The front of the server and a partition on two loops: answers, marks and pushes in one order, and what a broken link
// costs.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/frame.pb.h"
#include "server/delivery/push.h"
#include "server/dispatch/linked_partition.h"
#include "server/link/owner_link.h"
#include "server/link/partition_host.h"
#include "server/records/feed_versions.h"
#include "src/request_view.h"
#include "tests/unit/server/link_fixture.h"

namespace kith::server {
namespace {

class LinkTest : public ::testing::Test {
 protected:
  LinkTest() {
    host.serve(owner);
    host.marks().begins(0, 0);
  }
  // Both sides of a new connection.
  void connect(std::uint64_t epoch = 1) {
    to_host = std::make_unique<TestLane>();
    to_front = std::make_unique<TestLane>();
    const auto number = partition.connect(host.front(), *to_host, epoch);
    ASSERT_TRUE(number.has_value());
    host.front().connected(link(), *number, *to_front);
  }
  void run() {
    for (int i = 0; i < 5; ++i) {
      to_host->run();
      to_front->run();
    }
  }
  void break_link() {
    link().disconnect();
    host.front().disconnected();
  }
  OwnerLink& link() { return dynamic_cast<OwnerLink&>(partition.owner()); }
  // Asks, and notes the error of the answer, or "answered".
  void ask() {
    link().handle(Caller{}, v1::ClientFrame(), Reply([this](v1::ServerFrame&& frame) {
                    answers.push_back(frame.has_error() ? frame.error().detail() : "answered");
                  }));
  }
  void mark(std::uint64_t seq) {
    FeedMark one;
    one.last_seq = seq;
    host.marks().mark(one);
  }

  TestFront front;
  TestOwner owner;
  int reached = 0;
  LinkedPartition partition{{front, front, front, nullptr, {}, [this](Position) { ++reached; }}};
  PartitionHost host{true};
  std::unique_ptr<TestLane> to_host;
  std::unique_ptr<TestLane> to_front;
  std::vector<std::string> answers;
};

TEST_F(LinkTest, ARequestIsRejectedUntilThePartitionBegins) {
  ask();
  EXPECT_EQ(answers.size(), 1u);
  connect();
  ask();
  EXPECT_EQ(answers.size(), 2u);
  EXPECT_EQ(reached, 0);
  run();
  EXPECT_EQ(reached, 1);
  ask();
  run();
  EXPECT_EQ(answers.size(), 2u);
  ASSERT_EQ(owner.replies.size(), 1u);
  owner.replies[0](v1::ServerFrame());
  run();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[2], "answered");
}

// A store may answer after that. (AddressSanitizer finds what touches the host.)
TEST_F(LinkTest, AnAnswerAfterTheEndOfTheHostIsDropped) {
  auto ending = std::make_unique<PartitionHost>(true);
  ending->serve(owner);
  ending->marks().begins(0, 0);
  TestLane there, back;
  int heard = 0;
  ending->front().connected(link(), *partition.connect(ending->front(), there, 1), back);
  back.run();
  link().heads(ConversationId(), 0, 10, [&heard](const Result<HeadsPage>&) { ++heard; });
  link().with(ConversationId(), UserId(),
              [&heard](const Result<const Conversation*>&) { ++heard; });
  there.run();
  ending.reset();
  owner.walks[0](HeadsPage());
  owner.looks[0](nullptr);
  EXPECT_EQ(back.size(), 0u);
  EXPECT_EQ(heard, 0);
}

// How many records their logs have is not known: no version of an earlier run may count as one of the future.
TEST_F(LinkTest, VersionsOfEarlierRunsAreNoFutureHoweverManyPartitionsThereAre) {
  const PartitionFront all{front, front, front};
  std::vector<std::unique_ptr<LinkedPartition>> partitions;
  front.versions.begin(2);
  for (std::uint32_t i = 0; i < limits::partitions_max; ++i) {
    partitions.push_back(std::make_unique<LinkedPartition>(all));
    ASSERT_TRUE(partitions.back()->start().ok());
  }
  FeedVersions earlier;
  earlier.begin(1);
  EXPECT_TRUE(front.versions.may_be(earlier.next(std::uint64_t{1} << 40)));
}

TEST_F(LinkTest, ARequestIsAnsweredOnceAndNotByAnOldConnection) {
  connect();
  run();
  ask();
  run();
  Reply old = std::move(owner.replies[0]);
  break_link();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_NE(answers[0], "answered");
  connect();
  run();
  ask();
  run();
  old(v1::ServerFrame());
  run();
  EXPECT_EQ(answers.size(), 1u);
  owner.replies.back()(v1::ServerFrame());
  run();
  EXPECT_EQ(answers, (std::vector<std::string>{answers[0], "answered"}));
}

TEST_F(LinkTest, EverythingUnderWayIsRejectedWhenTheLinkBreaks) {
  connect();
  run();
  int rejected = 0;
  const auto note = [&rejected](const auto& result) { rejected += result.ok() ? 0 : 1; };
  ask();
  link().with(ConversationId(), UserId(), note);
  link().events({}, note);
  link().heads(ConversationId(), 0, 10, note);
  link().append(LogRecord(), [note](Result<Outcome>&& outcome) { note(outcome); });
  link().mark_user(UserId(), DeviceId(), note);
  link().set_block(UserId(), UserId(), true, note);
  to_host->run();
  break_link();
  EXPECT_EQ(rejected, 6);
  EXPECT_EQ(answers.size(), 1u);
  // Late answers reach nobody, and a further connection is not disturbed by them.
  connect();
  run();
  owner.looks[0](nullptr);
  owner.reads[0](std::vector<Event>());
  owner.walks[0](HeadsPage());
  owner.commands[0](Outcome());
  for (const auto& done : owner.dones) done({});
  run();
  EXPECT_EQ(rejected, 6);
}

TEST_F(LinkTest, WhatWasSentOverAnEndedConnectionIsDropped) {
  connect();
  run();
  const auto old = std::move(to_front);
  to_front = std::make_unique<TestLane>();
  host.marks().mark_user(UserId());  // on its way when the front connects anew
  const std::uint64_t number = *partition.connect(host.front(), *to_host, 1);
  to_front = std::make_unique<TestLane>();
  host.front().connected(link(), number, *to_front);
  front.log.clear();
  ASSERT_EQ(old->size(), 1u);
  old->run();
  EXPECT_TRUE(front.log.empty()) << "it comes again, and once";
  run();
  EXPECT_EQ(front.log, std::vector<std::string>{"mark of a user"});
}

TEST_F(LinkTest, PushesMarksAndAnswersKeepTheirOrder) {
  connect();
  run();
  link().with(ConversationId(), UserId(),
              [this](const Result<const Conversation*>&) { front.log.push_back("looked"); });
  to_host->run();
  mark(1);
  const UserId user = UserId::of("ann");
  host.to_user(user, Push());
  owner.looks[0](nullptr);
  mark(2);
  run();
  EXPECT_EQ(front.log, (std::vector<std::string>{"mark 1", "push", "looked", "mark 2"}));
}

TEST_F(LinkTest, MarksThatNoFlushCoversAreGivenAgain) {
  connect();
  run();
  mark(1);
  bool flushed = false;
  host.marks().flush([&](const Status&) { flushed = true; });
  mark(2);
  run();
  ASSERT_EQ(front.flushes.size(), 1u);
  EXPECT_FALSE(flushed);
  front.flushes[0]({});
  run();
  EXPECT_TRUE(flushed);
  EXPECT_EQ(host.front().marks().kept(), 1u);
  break_link();
  mark(3);
  bool later = false;
  host.marks().flush([&](const Status&) { later = true; });
  front.log.clear();
  connect();
  run();
  EXPECT_EQ(front.log, (std::vector<std::string>{"mark 2", "mark 3"}));
  EXPECT_FALSE(later);
  ASSERT_EQ(front.flushes.size(), 2u);
  front.flushes[1]({});
  run();
  EXPECT_TRUE(later);
  EXPECT_EQ(host.front().marks().kept(), 0u);
}

TEST_F(LinkTest, AFlushWhoseAnswerIsLostIsAskedForAgain) {
  connect();
  run();
  mark(1);
  int flushed = 0;
  host.marks().flush([&](const Status&) { ++flushed; });
  run();
  break_link();
  front.flushes[0]({});  // the way back has gone
  EXPECT_EQ(flushed, 0);
  connect();
  run();
  ASSERT_EQ(front.flushes.size(), 2u);
  front.flushes[1]({});
  run();
  EXPECT_EQ(flushed, 1);
}

TEST_F(LinkTest, NothingIsFlushedWhereNothingIsMarked) {
  bool flushed = false;
  host.marks().flush([&](const Status&) { flushed = true; });
  EXPECT_TRUE(flushed);
  mark(1);
  bool marked = false;
  host.marks().flush([&](const Status&) { marked = true; });
  EXPECT_FALSE(marked);  // no front is there
}

TEST_F(LinkTest, QuestionsAreRejectedWhenTheFrontHasGone) {
  std::vector<bool> answered;
  const auto note = [&](const auto& result) { answered.push_back(result.ok()); };
  host.relation(UserId(), UserId(), note);
  EXPECT_EQ(answered, std::vector<bool>{false});
  connect();
  run();
  host.consents(Caller{}, {}, note);
  run();
  EXPECT_EQ(answered, (std::vector<bool>{false, true}));
  host.relation(UserId(), UserId(), note);
  run();
  break_link();
  EXPECT_EQ(answered, (std::vector<bool>{false, true, false}));
  connect();
  run();
  front.asked[0](std::optional<Consent>());  // of the connection before
  run();
  EXPECT_EQ(answered.size(), 3u);
}

TEST_F(LinkTest, AnOwnerOfAnEarlierEpochIsRefused) {
  connect(4);
  run();
  EXPECT_EQ(reached, 1);
  TestLane lane;
  EXPECT_FALSE(partition.connect(host.front(), lane, 3).has_value());
  break_link();
  EXPECT_FALSE(partition.connect(host.front(), lane, 3).has_value());
  connect(4);
  run();
  EXPECT_EQ(reached, 2);
}

TEST_F(LinkTest, EachOwnerIsToldTheSecret) {
  link().set_secret("of pages");
  connect();
  run();
  EXPECT_EQ(owner.log, std::vector<std::string>{"secret of pages"});
  break_link();
  connect();
  run();
  EXPECT_EQ(owner.log.size(), 2u);
}

// Another front has other sessions under the same numbers.
TEST_F(LinkTest, SessionsGoWithTheirConnection) {
  connect();
  run();
  Caller caller;
  caller.session = 7;
  link().session_opened(caller);
  run();
  break_link();
  EXPECT_EQ(owner.log, (std::vector<std::string>{"session 7", "no session 7"}));
}

TEST_F(LinkTest, ALateReportOfABreakEndsNoOtherConnection) {
  connect();
  const std::uint64_t first = 1;
  connect();
  run();
  partition.disconnect(first);
  ask();
  run();
  EXPECT_EQ(owner.replies.size(), 1u);
}

}  // namespace
}  // namespace kith::server
