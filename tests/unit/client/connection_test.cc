// The life of a session: tokens, heartbeat, goodbye.
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class ConnectionTest : public EngineTest {
 protected:
  void goodbye(v1::GoodbyeReason reason, std::uint32_t retry_after_ms = 0) {
    v1::ServerFrame frame;
    frame.mutable_goodbye()->set_reason(reason);
    frame.mutable_goodbye()->set_retry_after_ms(retry_after_ms);
    say(frame);
  }
};

TEST_F(ConnectionTest, SecondHelloUsesTheTicket) {
  go_online();
  cut();
  scheduler.advance(60s);
  const auto again = hello();
  EXPECT_EQ(again.hello().resume_ticket(), "ticket");
  refuse(again, v1::ERROR_CODE_UNAUTHENTICATED);  // a ticket is only a shortcut
  EXPECT_EQ(hello().hello().access_token(), "token");
  EXPECT_EQ(tokens_asked, 1);
}

TEST_F(ConnectionTest, ExpiredTokenIsRenewedOnce) {
  engine->connection().start();
  refuse(hello(), v1::ERROR_CODE_TOKEN_EXPIRED);
  const auto again = hello();
  EXPECT_EQ(tokens_asked, 2);
  refuse(again, v1::ERROR_CODE_TOKEN_EXPIRED);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kSignedOut);
  EXPECT_EQ(tokens_asked, 2);
}

// The host makes new ones, and the server's clock is ahead of them all: until it is set right.
TEST_F(ConnectionTest, FreshTokensThatHaveEndedAlreadyAreTriedAgainLater) {
  engine->connection().start();
  const auto first = hello();
  next_token = std::string("fresh");
  refuse(first, v1::ERROR_CODE_TOKEN_EXPIRED);
  for (int i = 0; i < 5; ++i) {
    refuse(hello(), v1::ERROR_CODE_TOKEN_EXPIRED);
    EXPECT_EQ(engine->connection().status().state(), ConnectionState::kConnecting);
    next_token = "fresh " + std::to_string(i);
    scheduler.advance(2min);
  }
  welcome(hello());
  EXPECT_NE(engine->connection().status().state(), ConnectionState::kSignedOut);
}

TEST_F(ConnectionTest, WrongTokenSignsOut) {
  engine->connection().start();
  refuse(hello(), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kSignedOut);
  EXPECT_EQ(engine->connection().status().last_error().code, ErrorCode::kUnauthenticated);
  scheduler.advance(1h);
  EXPECT_EQ(server.opened, 1);
}

TEST_F(ConnectionTest, ReplacedStaysAway) {
  go_online();
  goodbye(v1::GOODBYE_REASON_REPLACED);
  scheduler.advance(1h);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kSignedOut);
  EXPECT_EQ(server.opened, 1);
}

TEST_F(ConnectionTest, DrainWaitsAsLongAsAsked) {
  go_online();
  goodbye(v1::GOODBYE_REASON_DRAIN, 20'000);
  scheduler.advance(19s);
  EXPECT_EQ(server.opened, 1);
  scheduler.advance(10s);
  EXPECT_EQ(server.opened, 2);
}

TEST_F(ConnectionTest, SilentServerIsLeft) {
  go_online();
  scheduler.advance(34s);
  expect(v1::ClientFrame::kPing);
  scheduler.advance(10s);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kConnecting);
  EXPECT_EQ(engine->connection().status().last_error().code, ErrorCode::kTimeout);
}

TEST_F(ConnectionTest, ProbeAfterAChangeOfNetworkWaitsThreeSeconds) {
  go_online();
  engine->connection().network_changed();
  expect(v1::ClientFrame::kPing);
  scheduler.advance(limits::probe_limit - 1ms);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
  scheduler.advance(1ms);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kConnecting);
  EXPECT_EQ(engine->connection().status().last_error().code, ErrorCode::kTimeout);
}

TEST_F(ConnectionTest, ProbeShortensAPingThatWaitsAlreadyAndNeverProlongsIt) {
  go_online();
  scheduler.advance(34s);  // a ping is out
  expect(v1::ClientFrame::kPing);
  for (int i = 0; i < 5 && engine->connection().status().state() == ConnectionState::kOnline; ++i) {
    engine->connection().network_changed();
    scheduler.advance(1s);
    EXPECT_EQ(engine->connection().status().state() == ConnectionState::kOnline, i < 2);
  }
}

TEST_F(ConnectionTest, RequestWithoutAnAnswerPutsTheConnectionInDoubt) {
  go_online();
  ASSERT_TRUE(engine->outgoing().create_group("Garden", {UserId::of("bob")}).ok());
  scheduler.advance(limits::request_limit);
  expect(v1::ClientFrame::kPing);  // a ping of its own is due after 27 s at the earliest
  scheduler.advance(limits::pong_limit);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kConnecting);
  EXPECT_EQ(engine->connection().status().last_error().code, ErrorCode::kTimeout);
}

TEST_F(ConnectionTest, PongAboveTheCursorStartsASync) {
  go_online({}, 5);
  v1::ServerFrame pong;
  pong.mutable_pong()->set_feed_high(6);
  say(pong);
  scheduler.advance(2s);
  EXPECT_EQ(expect(v1::ClientFrame::kSync).sync().cursor(), 5u);
}

TEST_F(ConnectionTest, PongThatNobodyAskedForStartsASyncWhenPushesMayBeMissing) {
  go_online({}, 5);
  v1::ServerFrame pong;
  pong.mutable_pong()->set_resync(true);
  say(pong);
  scheduler.advance(2s);
  EXPECT_EQ(expect(v1::ClientFrame::kSync).sync().cursor(), 5u);
}

TEST_F(ConnectionTest, TypingEndsByItself) {
  go_online();
  v1::ServerFrame typing;
  typing.mutable_typing_push()->set_conversation_id(room.bytes());
  typing.mutable_typing_push()->set_user_id(UserId::of("bob").bytes());
  typing.mutable_typing_push()->set_activity(v1::ACTIVITY_TYPING);
  say(typing);
  scheduler.advance(limits::typing_ttl);
  std::vector<bool> told;
  for (const Event& e : events) {
    if (const auto* changed = std::get_if<TypingChanged>(&e)) told.push_back(changed->typing);
  }
  EXPECT_EQ(told, (std::vector<bool>{true, false}));
}

// in band, on the living connection.
class RenewalTest : public ConnectionTest {
 protected:
  static constexpr std::uint64_t kServerNow =
      1'600'000'000'000;  // a year behind this device's clock

  void go_online_until(Millis life) {
    engine->connection().start();
    v1::ServerFrame frame = welcome_frame(hello());
    frame.mutable_welcome()->set_server_time_ms(kServerNow);
    frame.mutable_welcome()->set_session_expires_ms(kServerNow +
                                                    static_cast<std::uint64_t>(life.count()));
    say(frame);
    answer_sync({}, 1);
  }
  // Time passes; the server answers pings, and a new token with `next_life` more from its time on.
  void live(Millis span) {
    for (; span > Millis{0}; span -= 1s) {
      scheduler.advance(1s);
      for (const auto& frame : std::exchange(server.received, {})) {
        v1::ServerFrame answer;
        answer.set_reply_to(frame.req_id());
        if (frame.has_ping()) {
          answer.mutable_pong()->set_t(frame.ping().t());
        } else if (frame.has_renew_token()) {
          renewed.push_back(frame.renew_token().access_token());
          const auto end = kServerNow + static_cast<std::uint64_t>((lived + next_life).count());
          answer.mutable_ack()->set_session_expires_ms(end);
        } else {
          continue;
        }
        say(answer);
      }
      lived += 1s;
    }
  }
  Millis lived{0};
  Millis next_life = 2h;
  std::vector<std::string> renewed;
};

TEST_F(RenewalTest, TokenIsRenewedBeforeItEnds) {
  go_online_until(1h);
  live(50min);
  EXPECT_EQ(tokens_asked, 1);
  next_token = std::string("second");
  live(10min);
  EXPECT_EQ(tokens_asked, 2);
  next_token = std::string("third");
  live(50min);
  EXPECT_EQ(tokens_asked, 2);
  live(70min);
  EXPECT_EQ(renewed, (std::vector<std::string>{"second", "third"}));
  EXPECT_EQ(server.opened, 1);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
}

TEST_F(RenewalTest, TheSameTokenIsNotSentAgain) {  // fixed_token() has no other
  go_online_until(1h);
  live(1h);
  EXPECT_TRUE(renewed.empty());
  EXPECT_EQ(tokens_asked, 2);
}

TEST_F(RenewalTest, ProviderThatFailsIsAskedAgainAndTheSessionGoesOn) {
  go_online_until(1h);
  next_token = make_error(ErrorCode::kUnavailable, "the back end is down");
  live(58min);
  EXPECT_GE(tokens_asked, 3);
  EXPECT_LE(tokens_asked, 12);
  EXPECT_EQ(engine->connection().status().state(), ConnectionState::kOnline);
  next_token = std::string("second");
  live(1min);
  EXPECT_EQ(renewed, std::vector<std::string>{"second"});
}

TEST_F(RenewalTest, DeadTokensAreNotAskedForInALoop) {
  next_life = 0s;
  go_online_until(1s);
  for (int i = 0; i < 60; ++i) {
    next_token = "token " + std::to_string(i);
    live(1s);
  }
  EXPECT_LE(tokens_asked, 62);
}

TEST_F(RenewalTest, RenewedTokenOpensTheNextSession) {
  go_online_until(1h);
  next_token = std::string("second");
  live(59min);
  cut();
  scheduler.advance(1min);
  EXPECT_EQ(hello().hello().access_token(), "second");  // the ticket is too old
  EXPECT_EQ(tokens_asked, 2);
}

TEST_F(RenewalTest, SessionWithoutAnEndAsksForNothing) {
  go_online();
  live(2h);
  EXPECT_EQ(tokens_asked, 1);
}

}  // namespace
}  // namespace kith::client
