// Dispatcher: validate, cost, limit, service, in this order, for every front door alike.
#include "server/dispatch/dispatcher.h"

#include "kith/core/limits.h"
#include "src/uuid.h"
#include "tests/unit/dispatch/dispatch_fixture.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;

const std::string kRoom = ConversationId::direct(UserId::of("ann"), UserId::of("bob")).bytes();

class DispatcherTest : public testing::DispatchTest {
 protected:
  using Next = Verdict::Next;

  Requester session(const std::string& handle, std::uint64_t id,
                    const std::string& address = "192.0.2.1") {
    return {{UserId::of(handle), testing::device(1), id}, address, &front};
  }
  Verdict ask(Requester& who, v1::ClientFrame frame) { return dispatcher->handle(who, frame, 100); }
  static v1::ClientFrame profile(std::uint64_t req_id) {
    v1::ClientFrame frame;
    frame.set_req_id(req_id);
    frame.mutable_update_profile()->set_display_name("x");  // costs 5
    return frame;
  }
  static v1::ClientFrame users_asked(int count) {
    v1::ClientFrame frame;
    frame.set_req_id(3);
    for (int i = 0; i < count; ++i)
      frame.mutable_get_users()->add_handles("name" + std::to_string(i));
    return frame;
  }
  RequestView acknowledgement(int heads) {
    RequestView view;
    view.kind = RequestView::Kind::kAck;
    for (int i = 0; i < heads; ++i) view.upto.push_back({kRoom, 1});
    return view;
  }
  ErrorCode refused_with() {
    return front.answers().empty() ? ErrorCode::kInternal
                                   : static_cast<ErrorCode>(front.answers().back().error().code());
  }

  testing::FakeDoor front;
};

TEST_F(DispatcherTest, AValidRequestWithinItsBudgetReachesItsService) {
  Requester ann = session("ann", 1);
  EXPECT_EQ(dispatcher->open(ann, true, "agent"), 0U);
  EXPECT_EQ(services.opened, (std::vector<std::pair<std::uint64_t, bool>>{{1, true}}));
  EXPECT_EQ(ask(ann, profile(9)).next, Next::kGoOn);
  ASSERT_EQ(services.replies.size(), 1U);
  reply_ack(services.replies[0]);
  EXPECT_EQ(front.answers().back().reply_to(), 9U);
  dispatcher->close(ann);
  EXPECT_EQ(services.closed, std::vector<std::uint64_t>{1});
}

TEST_F(DispatcherTest, WhatIsNotValidIsPaidForAndReachesNoService) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  v1::ClientFrame wrong = profile(4);
  wrong.mutable_update_profile()->set_display_name(
      std::string(limits::display_name_bytes_max + 1, 'x'));
  EXPECT_EQ(ask(ann, wrong).next, Next::kGoOn);
  EXPECT_NE(refused_with(), ErrorCode::kRateLimited);
  int answered = 0;
  while (refused_with() != ErrorCode::kRateLimited && ++answered < 10'000)
    dispatcher->handle(ann, wrong, 60'000);
  EXPECT_LT(answered, 100) << "a large frame that says nothing costs what reading it took";
  EXPECT_TRUE(services.handled.empty());
}

TEST_F(DispatcherTest, AFrameThatIsNoRequestOfASessionEndsIt) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  const Verdict verdict = ask(ann, v1::ClientFrame());
  EXPECT_EQ(verdict.next, Next::kProtocolError);
  EXPECT_FALSE(verdict.detail.empty());
}

TEST_F(DispatcherTest, WhatNoServiceKnowsIsUnimplemented) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  services.knows_nothing = true;
  ask(ann, profile(4));
  EXPECT_EQ(refused_with(), ErrorCode::kUnimplemented);
}

TEST_F(DispatcherTest, TheFrontDoorAnswersWhatIsAboutTheSessionAndItIsPaidForToo) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  v1::ClientFrame ping;
  ping.set_req_id(2);
  ping.mutable_ping()->set_t(1);
  Verdict verdict;
  int pings = 0;
  while (verdict.next != Next::kEnd && ++pings < 10'000) verdict = ask(ann, ping);
  EXPECT_TRUE(services.handled.empty());
  EXPECT_TRUE(front.answers()[0].has_ack());
  EXPECT_LT(pings, 5'000) << "the last of them went on over budget";
  EXPECT_GT(verdict.ms, 0U);
}

TEST_F(DispatcherTest, SessionsOfAnAccountSpendFromOneBudgetWhereverTheyComeFrom) {
  Requester ann = session("ann", 1), elsewhere = session("ann", 2, "198.51.100.1");
  testing::FakeDoor other_door;
  elsewhere.door = &other_door;
  dispatcher->open(ann, true, "");
  dispatcher->open(elsewhere, true, "");
  while (refused_with() != ErrorCode::kRateLimited) {
    ask(ann, profile(1));
    for (const Reply& reply : std::exchange(services.replies, {})) reply_ack(reply);
    ann.unacked = 0;
  }
  ask(elsewhere, profile(1));
  ASSERT_EQ(other_door.answers().size(), 1U);
  EXPECT_EQ(other_door.answers()[0].error().code(), v1::ERROR_CODE_RATE_LIMITED);
  dispatcher->close(ann);
  dispatcher->close(elsewhere);
  Requester again = session("ann", 3);
  dispatcher->open(again, true, "");
  const std::size_t before = services.handled.size();
  ask(again, profile(1));
  EXPECT_EQ(services.handled.size(), before) << "coming back gives nothing";
}

TEST_F(DispatcherTest, CommandsThatWaitForTheLogAreBoundedByTheSession) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  for (std::size_t i = 0; i < limits::unacked_items_max; ++i) ask(ann, profile(i + 1));
  EXPECT_EQ(services.replies.size(), limits::unacked_items_max);
  ask(ann, profile(1'000));
  EXPECT_EQ(refused_with(), ErrorCode::kRateLimited);
  EXPECT_EQ(services.replies.size(), limits::unacked_items_max);
  dispatcher->answered(&ann, {1, 1, 1, 0});
  ask(ann, profile(1'001));
  EXPECT_EQ(services.replies.size(), limits::unacked_items_max + 1);
}

TEST_F(DispatcherTest, AcknowledgementsAreNeverDroppedButReadLater) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  Verdict verdict;
  std::size_t said = 0;
  while (verdict.next == Next::kGoOn && ++said < 1'000)
    verdict = dispatcher->handle(ann, acknowledgement(2'000), 60'000);
  EXPECT_EQ(verdict.next, Next::kPause);
  EXPECT_GT(verdict.ms, 0U);
  EXPECT_EQ(services.fast.size(), said);
  EXPECT_EQ(dispatcher->debt_ms(ann), verdict.ms);
  loop.advance(Millis(verdict.ms));
  EXPECT_EQ(dispatcher->debt_ms(ann), 0U);
}

TEST_F(DispatcherTest, ASessionMayCloseInsideItsRequest) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  while (dispatcher->handle(ann, acknowledgement(2'000), 60'000).next == Next::kGoOn) {
  }
  services.during = [&] { dispatcher->close(ann); };
  EXPECT_EQ(dispatcher->handle(ann, acknowledgement(2'000), 60'000).next, Next::kGoOn)
      << "what it owes is its account's alone";
  EXPECT_EQ(ann.budget, nullptr);
}

TEST_F(DispatcherTest, ASessionMayCloseOverTheRefusalThatItIsAnswered) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  for (std::size_t i = 0; i < limits::unacked_items_max; ++i) ask(ann, profile(i + 1));
  front.after_answers([&] {
    if (ann.budget != nullptr) dispatcher->close(ann);  // the socket takes no more
  });
  EXPECT_EQ(ask(ann, profile(1'000)).next, Next::kGoOn);
  EXPECT_EQ(refused_with(), ErrorCode::kRateLimited);
  EXPECT_EQ(services.closed, std::vector<std::uint64_t>{1});
}

TEST_F(DispatcherTest, TheBudgetOfAnAccountStaysUntilItsLastSessionCloses) {
  Requester first = session("ann", 1), second = session("ann", 2), third = session("ann", 3);
  for (Requester* one : {&first, &second, &third}) dispatcher->open(*one, true, "");
  const AccountBudget* budget = first.budget;
  dispatcher->limits().charge_lookups(second.caller, limits::account_lookups_burst + 1'000);
  dispatcher->close(second);
  EXPECT_EQ(first.budget, budget);
  Requester fourth = session("ann", 4);
  dispatcher->open(fourth, true, "");
  EXPECT_EQ(fourth.budget, budget);
  for (Requester* one : {&first, &third, &fourth}) {
    EXPECT_GT(dispatcher->limits().wait_for_lookups(one->caller), 0U);
    dispatcher->close(*one);
    EXPECT_EQ(one->budget, nullptr);
  }
}

TEST_F(DispatcherTest, LookupsCountForTheAddressOfTheSessionThatAsked) {
  Requester ann = session("ann", 1), bob = session("bob", 2),
            eve = session("eve", 3, "203.0.113.9");
  for (Requester* one : {&ann, &bob, &eve}) dispatcher->open(*one, true, "");
  AccountLimits& limits = dispatcher->limits();
  limits.charge_lookups(ann.caller, limits::address_lookups_burst + 1'000);
  EXPECT_GT(limits.wait_for_lookups(bob.caller), 0U) << "of the same address";
  EXPECT_EQ(limits.wait_for_lookups(eve.caller), 0U);
  ask(bob, users_asked(1));
  EXPECT_EQ(refused_with(), ErrorCode::kRateLimited);
  dispatcher->close(ann);
  EXPECT_GT(limits.wait_for_lookups(bob.caller), 0U);
  limits.charge_lookups(ann.caller, 1'000'000);  // its session has gone: the account still pays
  dispatcher->open(ann, true, "");
  EXPECT_GT(limits.wait_for(ann.caller, Spend::kLookup), 0U);
}

TEST_F(DispatcherTest, ASessionThatIsAbandonedIsForgottenAndNobodyIsTold) {
  {
    Requester ann = session("ann", 1);
    dispatcher->open(ann, true, "");
    dispatcher->abandon(ann);
  }
  EXPECT_TRUE(services.closed.empty());
  const Caller gone{UserId::of("ann"), testing::device(1), 1};
  dispatcher->limits().charge_lookups(gone, 1);
  EXPECT_EQ(dispatcher->limits().wait_for_lookups(gone), 0U);
}

TEST_F(DispatcherTest, RefusalsAreReportedOnceAMinuteByTheirAddress) {
  Requester ann = session("ann", 1);
  dispatcher->open(ann, true, "");
  dispatcher->note_protocol_error(ann);
  dispatcher->note_protocol_error(ann);
  loop.advance(61s);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].event, std::string(event_of(RefusalClass::kProtocol)));
  EXPECT_EQ(lines[0].fields[0].value, "192.0.2.1");
  EXPECT_EQ(lines[0].fields[1].value, "2");
}

}  // namespace
}  // namespace kith::server
