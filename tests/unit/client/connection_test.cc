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
  engine->connect();
  refuse(hello(), v1::ERROR_CODE_TOKEN_EXPIRED);
  const auto again = hello();
  EXPECT_EQ(tokens_asked, 2);
  refuse(again, v1::ERROR_CODE_TOKEN_EXPIRED);
  EXPECT_EQ(engine->connection(), ConnectionState::kSignedOut);
  EXPECT_EQ(tokens_asked, 2);
}

TEST_F(ConnectionTest, WrongTokenSignsOut) {
  engine->connect();
  refuse(hello(), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(engine->connection(), ConnectionState::kSignedOut);
  EXPECT_EQ(engine->connection_error().code, ErrorCode::kUnauthenticated);
  scheduler.advance(1h);
  EXPECT_EQ(server.opened, 1);
}

TEST_F(ConnectionTest, ReplacedStaysAway) {
  go_online();
  goodbye(v1::GOODBYE_REASON_REPLACED);
  scheduler.advance(1h);
  EXPECT_EQ(engine->connection(), ConnectionState::kSignedOut);
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
  EXPECT_EQ(engine->connection(), ConnectionState::kConnecting);
  EXPECT_EQ(engine->connection_error().code, ErrorCode::kTimeout);
}

TEST_F(ConnectionTest, PongAboveTheCursorStartsASync) {
  go_online({}, 5);
  v1::ServerFrame pong;
  pong.mutable_pong()->set_feed_high(6);
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

}  // namespace
}  // namespace kith::client
