// Sessions and their deadlines: found sessions, and due ones.
#include "server/gateway/sessions.h"

#include <gtest/gtest.h>

#include "server/gateway/deadlines.h"

namespace kith::server {
namespace {

constexpr Session::Timing kTiming{10'000, 75'000, 30'000};
constexpr SendQueue::Bounds kBounds{1'000, 4'000};

Admission admission(const std::string& handle, std::uint8_t device, std::int64_t expires = 0) {
  Admission made;
  made.user = UserId::of(handle);
  made.device = DeviceId(std::array<std::uint8_t, 16>{device});
  made.expires_ms = expires;
  return made;
}

struct SessionsTest : ::testing::Test {
  Session& open(std::uint32_t index, std::uint32_t generation = 1) {
    return sessions.add({0, index, generation}, "192.0.2.1", 0);
  }
  Session& ready(std::uint32_t index, const std::string& handle, std::uint8_t device) {
    Session& session = open(index);
    session.admit(admission(handle, device), 0);
    sessions.enter(session);
    return session;
  }
  Sessions sessions{kTiming, kBounds};
  Deadlines deadlines;
};

TEST_F(SessionsTest, AConnectionIsFoundByItsWholeIdAndASessionByItsNumber) {
  Session& session = open(3, 1);
  const std::uint64_t number = session.id();
  EXPECT_EQ(sessions.find(ConnectionId{0, 3, 1}), &session);
  EXPECT_EQ(sessions.find(number), &session);
  EXPECT_EQ(sessions.find(ConnectionId{0, 3, 2}), nullptr);
  EXPECT_EQ(sessions.find(ConnectionId{0, 900, 1}), nullptr);
  EXPECT_EQ(sessions.find(ConnectionId{7, 3, 1}), nullptr);
  sessions.erase(session);
  EXPECT_EQ(sessions.find(ConnectionId{0, 3, 1}), nullptr);
  EXPECT_EQ(sessions.find(number), nullptr);
  Session& next = open(3, 2);  // the index is used again, and so is the place in the table
  EXPECT_NE(next.id(), number);
  EXPECT_EQ(sessions.find(number), nullptr);
  EXPECT_EQ(sessions.size(), 1U);
}

TEST_F(SessionsTest, OnlySessionsThatHaveEnteredAreTheirUsers) {
  Session& early = open(1);
  early.admit(admission("ann", 1), 0);
  EXPECT_EQ(sessions.count(UserId::of("ann")), 0U);
  EXPECT_FALSE(sessions.leave(early));
  Session& phone = ready(2, "ann", 2);
  Session& laptop = ready(3, "ann", 3);
  ready(4, "bob", 3);
  EXPECT_EQ(sessions.of(UserId::of("ann")), (std::vector<Session*>{&phone, &laptop}));
  EXPECT_TRUE(sessions.online(UserId::of("ann"), phone.admission().device));
  EXPECT_FALSE(sessions.online(UserId::of("bob"), phone.admission().device));
  EXPECT_TRUE(sessions.leave(phone));
  EXPECT_FALSE(sessions.leave(phone)) << "once";
  EXPECT_FALSE(sessions.online(UserId::of("ann"), phone.admission().device));
  EXPECT_EQ(sessions.of(UserId::of("ann")), std::vector<Session*>{&laptop});
  EXPECT_EQ(sessions.size(), 4U) << "its connection is still there";
}

TEST_F(SessionsTest, LaterConnectionsHaveALaterPlaceInTheOrder) {
  const Session& first = open(9);
  EXPECT_LT(first.entry.order, open(1).entry.order);
}

TEST_F(SessionsTest, TheDispatcherSeesWhoASessionIsOfOnceItIsAdmitted) {
  Session& session = ready(1, "ann", 2);
  EXPECT_EQ(session.requester.caller.user, UserId::of("ann"));
  EXPECT_EQ(session.requester.caller.session, session.id());
  EXPECT_EQ(session.requester.address, "192.0.2.1");
}

TEST_F(SessionsTest, ASessionIsDueAtItsEarliestDeadline) {
  Session& silent = open(1);
  Session& tired = ready(2, "ann", 1);
  deadlines.schedule(silent);
  deadlines.schedule(tired);
  EXPECT_EQ(deadlines.next_due(sessions, 9'999), nullptr);
  EXPECT_EQ(deadlines.next_due(sessions, 10'000), &silent) << "no Hello in time";
  EXPECT_EQ(silent.due(10'000), Session::Due::kHello);
  EXPECT_EQ(deadlines.next_due(sessions, 10'000), nullptr) << "once, until it is scheduled again";
  tired.admit(admission("ann", 1, 1), 20'000);  // its token ends before its silence does
  deadlines.schedule(tired);
  EXPECT_EQ(deadlines.next_due(sessions, 20'000), &tired);
  EXPECT_EQ(tired.due(20'000), Session::Due::kTokenExpired);
  EXPECT_EQ(deadlines.next_due(sessions, 1'000'000), nullptr) << "the later entry is void";
}

TEST_F(SessionsTest, ADeadlineOfASessionThatHasGoneIsOfNobody) {
  Session& session = open(1);
  deadlines.schedule(session);
  sessions.erase(session);
  open(1, 2);
  EXPECT_EQ(deadlines.next_due(sessions, 1'000'000), nullptr);
}

TEST_F(SessionsTest, ASessionThatWasHeardIsLookedAtAtItsOldDeadlineAndStays) {
  Session& session = ready(1, "ann", 1);
  deadlines.schedule(session);
  session.heard(50'000);
  deadlines.schedule(session);
  EXPECT_EQ(deadlines.next_due(sessions, 75'000), &session);
  EXPECT_EQ(session.due(75'000), Session::Due::kNothing);
  deadlines.schedule(session);
  EXPECT_EQ(deadlines.next_due(sessions, 124'999), nullptr);
  EXPECT_EQ(deadlines.next_due(sessions, 125'000), &session);
}

}  // namespace
}  // namespace kith::server
