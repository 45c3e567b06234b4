// A server that is broken or hostile costs a device little: pauses, processor, memory.
#include <string>

#include "client/server_pace.h"
#include "src/error.h"
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class HostileServerTest : public EngineTest {
 protected:
  // Answers every sync with `answer`, as fast as the client asks, for `span`; returns how many it asked.
  template <class Answer>
  int answer_syncs_for(Millis span, const Answer& answer) {
    int asked = 0;
    for (Millis passed{0}; passed < span; passed += 10ms) {
      scheduler.advance(10ms);
      for (int turn = 0; turn < 5'000 && server.socket != nullptr && !server.received.empty();
           ++turn) {
        const v1::ClientFrame request = server.received.front();
        server.received.pop_front();
        if (!request.has_sync()) continue;
        ++asked;
        v1::ServerFrame frame;
        frame.set_reply_to(request.req_id());
        answer(frame);
        say(frame);
      }
    }
    return asked;
  }
};

TEST_F(HostileServerTest, PauseOfDaysIsAnHour) {
  go_online({state(0)});
  v1::ServerFrame frame;
  frame.mutable_throttle()->set_retry_after_ms(UINT32_MAX);
  say(frame);
  send("kept");
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0U);
  scheduler.advance(2h);  // some reconnections, for this server answers no Ping
  bool sent = count(v1::ClientFrame::kSend) > 0;
  if (!sent) {
    welcome(hello());
    answer_sync({}, 1);
    scheduler.advance(1s);
    sent = count(v1::ClientFrame::kSend) > 0;
  }
  EXPECT_TRUE(sent);
}

TEST_F(HostileServerTest, ErrorThatAsksForDaysIsHeldToAnHour) {
  v1::Error error;
  error.set_code(v1::ERROR_CODE_OVERLOADED);
  error.set_retryable(true);
  error.set_retry_after_ms(UINT32_MAX);
  error.set_detail(std::string(100'000, 'x'));
  const Error read = from_wire(error);
  EXPECT_EQ(read.retry_after_ms, 3'600'000U);
  EXPECT_LE(read.message.size(), limits::detail_bytes_max);
}

TEST_F(HostileServerTest, ListingWithoutEndIsReadSlowly) {
  engine->connection().start();
  welcome(hello());
  const int asked = answer_syncs_for(20s, [](v1::ServerFrame& frame) {
    frame.mutable_sync_page()->set_more(true);
    frame.mutable_sync_page()->set_page_token("again");
  });
  EXPECT_GE(asked, 1'000);  // what an honest server with many conversations needs
  EXPECT_LE(asked, 1'000 + 20 * 10 + 10);
}

TEST_F(HostileServerTest, ResetWithoutEndIsReadSlowly) {
  engine->connection().start();
  welcome(hello());
  const int asked = answer_syncs_for(20s, [](v1::ServerFrame& frame) {
    frame.mutable_sync_reset()->set_reason(v1::SYNC_RESET_REASON_HORIZON);
  });
  EXPECT_LE(asked, 1'000 + 20 * 10 + 10);
}

TEST_F(HostileServerTest, SecondOtherHistoryEndsTheConnection) {
  engine->connection().start();
  welcome(hello());
  const auto future = [](v1::ServerFrame& frame) {
    frame.mutable_sync_reset()->set_reason(v1::SYNC_RESET_REASON_FUTURE);
  };
  EXPECT_EQ(answer_syncs_for(100ms, future), 2);
  EXPECT_EQ(server.socket, nullptr);
}

TEST_F(HostileServerTest, FloodOfPushesEndsTheConnection) {
  go_online({state(0)});
  v1::ServerFrame frame;
  frame.mutable_typing_push()->set_conversation_id(room.bytes());
  frame.mutable_typing_push()->set_user_id(UserId::of("bob").bytes());
  int taken = 0;
  while (server.socket != nullptr && taken < 200'000) {
    say(frame);
    ++taken;
  }
  EXPECT_EQ(server.socket, nullptr);
  EXPECT_GE(taken, 50'000);
  EXPECT_LE(taken, 50'100);
  // A new socket is no new budget.
  scheduler.advance(1s);
  if (server.socket == nullptr) scheduler.advance(5s);
  welcome(hello());
  answer_sync({}, 1);
  taken = 0;
  while (server.socket != nullptr && taken < 200'000) {
    say(frame);
    ++taken;
  }
  EXPECT_LE(taken, 7'000);
}

TEST_F(HostileServerTest, EventsThatAreHeldForStrangersAreBounded) {
  go_online({state(0)});
  for (int i = 0; i < 400; ++i) {
    v1::ServerFrame frame;
    v1::Event one = event(5);
    one.set_conversation_id(
        ConversationId::direct(UserId::of("alice"), UserId::of(std::to_string(i))).bytes());
    one.set_body(std::string(30'000, 'x'));
    *frame.mutable_event_push()->add_events() = one;
    say(frame);
  }
  EXPECT_GT(engine->replica().sync().held_bytes(), 0U);
  EXPECT_LE(engine->replica().sync().held_bytes(), limits::held_bytes_max);
}

TEST_F(HostileServerTest, NamesAreNoLongerThanTheirBounds) {
  v1::ConversationState group = state(0);
  group.set_title(std::string(40'000, 't'));
  go_online({group});
  for (const auto& event : events) {
    if (const auto* changed = std::get_if<ConversationChanged>(&event)) {
      EXPECT_LE(changed->conversation.title.size(), limits::title_bytes_max);
    }
  }
}

TEST(ServerPace, LargePushesCountForMore) {
  ServerPace pace;
  std::size_t taken = 0;
  while (pace.take_push(64 * 1024, 0)) ++taken;
  EXPECT_EQ(taken, limits::pushes_taken_burst / 65);
}

}  // namespace
}  // namespace kith::client
