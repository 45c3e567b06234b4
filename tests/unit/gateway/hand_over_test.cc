// A gateway of one of two homes gives connections to the home of their user.
#include "tests/unit/gateway/gateway_fixture.h"

namespace kith::server {
namespace {

struct PassingSockets : testing::FakeSockets {
  void pass_on(ConnectionId id, std::uint32_t home, std::string_view frame) override {
    passed[id] = {home, *decode_client_frame(frame)};
  }
  std::map<ConnectionId, std::pair<std::uint32_t, v1::ClientFrame>> passed;
};

class HandOverTest : public GatewayTest {
 protected:
  static constexpr Home kHere{0, 2};

  // A user of this home, or of the other one.
  static std::string somebody(bool here) {
    std::string handle = "user0";
    while (kHere.has(UserId::of(handle)) != here) ++handle.back();
    return handle;
  }
  ConnectionId come(const v1::ClientFrame& frame) {
    const ConnectionId id{0, ++opened, 1};
    door.on_open(id, {"192.0.2.1", "192.0.2.1", false});
    door.on_message(id, *encode(frame));
    loop.settle();
    return id;
  }
  std::size_t connections() {
    std::map<std::string, std::uint64_t> stats;
    door.add_stats(stats);
    return stats.at("connections");
  }

  PassingSockets others;
  SignIn ways_in{
      {options.secret, options.authenticator, true, options.account_token_life, "", kHere},
      directory,
      users,
      devices,
      passwords,
      loop};
  Dispatcher asked{options, ways_in, services, loop, random};
  Gateway door{"home", options, {asked, registry, bus, loop, random, others, nullptr, kHere}};
};

TEST_F(HandOverTest, AHelloOfAUserOfThisHomeIsWelcome) {
  const ConnectionId id = come(hello(1, token(somebody(true))));
  EXPECT_TRUE(others.passed.empty());
  ASSERT_FALSE(others.frames[id].empty());
  EXPECT_TRUE(others.frames[id].back().has_welcome());
  // Numbers of sessions are those of no other home.
  EXPECT_EQ(opened_sessions, 1);
}

TEST_F(HandOverTest, AHelloOfAnotherHomesUserIsPassedOnWithItsConnection) {
  const ConnectionId id = come(hello(1, token(somebody(false))));
  ASSERT_EQ(others.passed.count(id), 1U);
  EXPECT_EQ(others.passed[id].first, 1U);
  EXPECT_TRUE(others.passed[id].second.has_hello());
  EXPECT_TRUE(others.frames[id].empty()) << "nothing is said to the client here";
  EXPECT_TRUE(others.closed.empty());
  EXPECT_EQ(connections(), 0U);
  EXPECT_EQ(opened_sessions, 0);
  EXPECT_TRUE(people->accounts.empty()) << "an account is written at its home only";
}

TEST_F(HandOverTest, ARefusedTokenIsAnsweredByWhicheverHomeHearsIt) {
  const ConnectionId id = come(hello(1, "no token"));
  EXPECT_TRUE(others.passed.empty());
  ASSERT_FALSE(others.frames[id].empty());
  EXPECT_EQ(others.frames[id].back().error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
}

TEST_F(HandOverTest, ARegistrationIsForTheHomeOfItsHandle) {
  std::string shouted = somebody(false);
  for (char& letter : shouted) letter = static_cast<char>(std::toupper(letter));
  const ConnectionId id = come(registration(3, shouted));
  ASSERT_EQ(others.passed.count(id), 1U) << "by the handle that the account has";
  EXPECT_EQ(others.passed[id].second.req_id(), 3U);
  const ConnectionId own = come(registration(4, somebody(true)));
  EXPECT_EQ(others.passed.count(own), 0U);
  EXPECT_TRUE(others.frames[own].back().has_signed_in());
}

TEST_F(HandOverTest, ASessionIsNotRenewedByATokenOfAnotherHomesUser) {
  const ConnectionId id = come(hello(1, token(somebody(true))));
  v1::ClientFrame renewal;
  renewal.set_req_id(7);
  renewal.mutable_renew_token()->set_access_token(token(somebody(false)));
  door.on_message(id, *encode(renewal));
  loop.settle();
  EXPECT_TRUE(others.passed.empty());
  EXPECT_EQ(others.frames[id].back().error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
}

TEST(HandOver, SessionNumbersOfHomesDiffer) {
  const Session::Timing timing;
  const SendQueue::Bounds bounds;
  Sessions first(timing, bounds, 0);
  Sessions second(timing, bounds, 1);
  EXPECT_NE(first.add({0, 0, 1}, "", 0).id(), second.add({0, 0, 1}, "", 0).id());
  EXPECT_NE(second.find(second.add({0, 1, 1}, "", 0).id()), nullptr);
}

}  // namespace
}  // namespace kith::server
