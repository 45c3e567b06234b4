// The outbox keeps its promises: nothing lost, nothing twice, in order.
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

class OutboxTest : public EngineTest {};

TEST_F(OutboxTest, SendsOfflineMessagesInOrderInOneBatch) {
  send("one");
  send("two");
  EXPECT_FALSE(engine->outbox().idle());
  go_online();
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items_size(), 2);
  EXPECT_EQ(request.send().items(0).attempt(), 0u);
  EXPECT_EQ(request.send().direct_peer(), UserId::of("bob").bytes());
  place(request, 1);
  EXPECT_TRUE(engine->outbox().idle());
  EXPECT_EQ(texts(), (Texts{"one", "two"}));
  EXPECT_EQ(engine->history().timeline(room, 10).back().status, DeliveryStatus::kSent);
}

// A receipt may overtake the answer that tells the place, and a status never falls.
TEST_F(OutboxTest, APlacedMessageHasTheStatusThatReceiptsGaveIt) {
  send("one");
  go_online({state(1)});
  const auto request = expect(v1::ClientFrame::kSend);
  v1::ServerFrame receipt;
  v1::ReceiptState& marks = *receipt.mutable_receipt_push()->add_states();
  marks.set_conversation_id(room.bytes());
  marks.set_delivered_all_seq(2);
  say(receipt);
  events.clear();
  place(request, 2);
  scheduler.settle();
  std::vector<DeliveryStatus> told;
  for (const Event& e : events) {
    if (const auto* changed = std::get_if<MessageChanged>(&e))
      told.push_back(changed->message.status);
  }
  ASSERT_FALSE(told.empty());
  for (const DeliveryStatus status : told) EXPECT_EQ(status, DeliveryStatus::kDelivered);
}

// Its event came by push while the row was in flight, and then the connection was lost.
TEST_F(OutboxTest, TakesMessagesForAConversationWhoseLastRowWentInFlight) {
  go_online({state(0)});
  const MessageId first = send("one");
  (void)expect(v1::ClientFrame::kSend);
  push(event(1, "alice", first));
  EXPECT_TRUE(engine->outbox().idle());
  cut();
  send("two");
  EXPECT_EQ(texts(), (Texts{"text 1", "two"}));
  scheduler.advance(1min);
  welcome(hello());
  answer_sync({state(1)}, 2);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 1);
}

class OutboxAge : public EngineTest {
 protected:
  void sign_in(std::int64_t server_ms) {
    auto frame = welcome_frame(hello());
    frame.mutable_welcome()->set_server_time_ms(static_cast<std::uint64_t>(server_ms));
    say(frame);
  }
  static constexpr std::int64_t kServer = 1'600'000'000'000;
  std::uint64_t placed = 0;
};

TEST_F(OutboxAge, AClockThatJumpsFailsNothing) {
  engine->connection().start();
  sign_in(kServer);
  cut();
  send("before the jump");
  scheduler.wall_jump = 20 * 24h;
  scheduler.advance(60s);
  sign_in(kServer + 60'000);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 1);
  EXPECT_EQ(engine->history().timeline(room, 10).back().status, DeliveryStatus::kSending);
}

TEST_F(OutboxAge, AClockThatJumpsFailsNothingAfterARestart) {
  engine->connection().start();
  sign_in(kServer);
  restart();
  send("before the jump");
  restart();
  scheduler.wall_jump = 20 * 24h;
  engine->connection().start();
  sign_in(kServer + 60'000);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 1);
}

// Typed with a clock that is a year behind, which is mended before there is a connection.
TEST_F(OutboxAge, AClockThatIsMendedBetweenTypingAndSendingFailsNothing) {
  for (const auto wrong : {-365 * 24h, -20 * 24h, 400 * 24h}) {
    scheduler.wall_jump = wrong;
    send("typed");
    scheduler.wall_jump = 0h;
    restart();
    engine->connection().start();
    sign_in(kServer);
    const auto request = expect(v1::ClientFrame::kSend);
    ASSERT_EQ(request.send().items_size(), 1) << wrong.count();
    place(request, ++placed);
    restart();
  }
}

// A message typed offline begins to age when the server's time is first known.
TEST_F(OutboxAge, AServerThatWasSeenLongAgoAgesNothing) {
  engine->connection().start();
  sign_in(kServer);
  restart();
  scheduler.wall_jump = 20 * 24h;
  send("typed after a long time away, with a wrong clock");
  scheduler.wall_jump = 60 * 24h;
  engine->connection().start();
  sign_in(kServer + std::chrono::milliseconds(21 * 24h).count());
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 1);
}

// Both clocks were wrong while it waited, and say different things.
TEST_F(OutboxAge, ClocksThatDisagreeFailNothing) {
  engine->connection().start();
  sign_in(kServer);
  cut();
  send("before both jumps");
  scheduler.wall_jump = 400 * 24h;
  scheduler.advance(60s);
  sign_in(kServer + std::chrono::milliseconds(900 * 24h).count());
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 1);
}

// Others see the id: it carries the server's time or none.
TEST_F(OutboxAge, IdsTellNothingOfTheDevicesClock) {
  scheduler.wall_jump = 400 * 24h;
  const auto offline = engine->outgoing().send(room, "without a connection", {}).value();
  EXPECT_EQ(offline.array()[6] >> 4, 4);
  engine->connection().start();
  sign_in(kServer);
  scheduler.advance(1s);
  const auto online = engine->outgoing().send(room, "with one", {}).value();
  EXPECT_EQ(online.array()[6] >> 4, 7);
  std::int64_t told = 0;
  for (int i = 0; i < 6; ++i) told = told << 8 | online.array()[i];
  EXPECT_EQ(told, kServer + 1'000);
}

TEST_F(OutboxAge, WhatReallyWaitedForFifteenDaysFails) {
  engine->connection().start();
  sign_in(kServer);
  cut();
  send("old");
  scheduler.wall_jump = 15 * 24h;
  scheduler.advance(60s);
  sign_in(kServer + std::chrono::milliseconds(15 * 24h).count());
  scheduler.settle();
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  EXPECT_EQ(engine->history().timeline(room, 10).back().failure, ErrorCode::kExpired);
}

TEST_F(OutboxTest, OneBatchInFlightPerConversation) {
  go_online();
  send("one");
  send("two");
  EXPECT_EQ(count(v1::ClientFrame::kSend), 1u);
  const auto first = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(first.send().items_size(), 1);
  place(first, 1);
  const auto second = expect(v1::ClientFrame::kSend);
  EXPECT_EQ(second.send().items_size(), 1);
}

TEST_F(OutboxTest, LostResultIsSentAgainUnderTheSameIdAndShownOnce) {
  go_online();
  const MessageId id = send("once");
  const auto first = expect(v1::ClientFrame::kSend);
  scheduler.advance(limits::send_limit + 1ms);
  const auto second = expect(v1::ClientFrame::kSend);
  EXPECT_EQ(second.send().items(0).message_id(), id.bytes());
  EXPECT_EQ(second.send().items(0).attempt(), 1u);
  place(second, 1);
  place(first, 1);  // the late answer changes nothing
  push(event(1, "alice", id));
  EXPECT_EQ(texts(), Texts{"once"});
}

TEST_F(OutboxTest, EventThatComesBySyncClosesTheRow) {
  go_online();
  const MessageId id = send("once");
  expect(v1::ClientFrame::kSend);
  cut();
  EXPECT_FALSE(engine->outbox().idle());
  scheduler.advance(60s);
  welcome(hello());
  push(event(1, "alice", id));
  EXPECT_TRUE(engine->outbox().idle());
  EXPECT_EQ(engine->history().timeline(room, 10).size(), 1u);
}

TEST_F(OutboxTest, RestartSendsAgainAsARepetition) {
  const MessageId id = send("kept");
  restart();
  EXPECT_EQ(texts(), Texts{"kept"});
  go_online();
  const auto request = expect(v1::ClientFrame::kSend);
  EXPECT_EQ(request.send().items(0).message_id(), id.bytes());
  EXPECT_GE(request.send().items(0).attempt(), 1u);
}

TEST_F(OutboxTest, KeepsOrderWhenFirstSendFails) {
  go_online();
  send("first");
  send("second");
  refuse(expect(v1::ClientFrame::kSend), v1::ERROR_CODE_OVERLOADED);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  scheduler.advance(60s);
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items_size(), 2);
  place(request, 1);
  EXPECT_EQ(texts(), (Texts{"first", "second"}));
}

TEST_F(OutboxTest, RefusedForGoodFailsAndTheRestGoesOn) {
  go_online();
  const MessageId bad = send("bad");
  const auto first = expect(v1::ClientFrame::kSend);
  send("good");
  refuse(first, v1::ERROR_CODE_PERMISSION_DENIED);
  place(expect(v1::ClientFrame::kSend), 1);
  const auto shown = engine->history().timeline(room, 10);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].text, "good");
  EXPECT_EQ(shown[1].status, DeliveryStatus::kFailed);
  EXPECT_TRUE(engine->outgoing().discard(bad).ok());
  EXPECT_EQ(texts(), Texts{"good"});
}

TEST_F(OutboxTest, GroupIsCreatedBeforeItsFirstMessage) {
  const auto group = engine->outgoing().create_group("friends", {UserId::of("bob")});
  ASSERT_TRUE(group.ok());
  ASSERT_TRUE(engine->outgoing().send(*group, "welcome", {}).ok());
  go_online();
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  const auto create = expect(v1::ClientFrame::kCreateConversation);
  v1::ServerFrame placed;
  placed.set_reply_to(create.req_id());
  placed.mutable_placed()->set_seq(1);
  say(placed);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().conversation_id(), group->bytes());
}

TEST_F(OutboxTest, AGroupThatIsRefusedSaysWhoIsInTheWayAndTakesItsMessagesAlong) {
  const UserId bob = UserId::of("bob");
  const auto group = engine->outgoing().create_group("friends", {bob, UserId::of("carol")});
  ASSERT_TRUE(group.ok());
  ASSERT_TRUE(engine->outgoing().send(*group, "welcome", {}).ok());
  go_online();
  const auto refuse_it = [&] {
    const auto create = expect(v1::ClientFrame::kCreateConversation);
    v1::ServerFrame refused;
    refused.set_reply_to(create.req_id());
    refused.mutable_error()->set_code(v1::ERROR_CODE_PERMISSION_DENIED);
    refused.mutable_error()->add_users(bob.bytes());
    say(refused);
  };
  refuse_it();
  const auto told = [&] {
    std::vector<GroupRefused> found;
    for (const Event& e : events) {
      if (const auto* one = std::get_if<GroupRefused>(&e)) found.push_back(*one);
    }
    return found;
  };
  ASSERT_EQ(told().size(), 1u);
  EXPECT_EQ(told()[0].group, *group);
  EXPECT_EQ(told()[0].reason.code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(told()[0].reason.users, std::vector{bob});
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  EXPECT_EQ(engine->history().timeline(*group, 1).front().failure, ErrorCode::kPermissionDenied);
  EXPECT_EQ(engine->outgoing().send(*group, "again", {}).error().code,
            ErrorCode::kPermissionDenied);
  events.clear();
  restart();  // who has not heard of it hears of it
  ASSERT_EQ(told().size(), 1u);
  EXPECT_EQ(told()[0].reason.users, std::vector{bob});
  go_online();
  EXPECT_EQ(count(v1::ClientFrame::kCreateConversation), 0u);
  ASSERT_TRUE(engine->outgoing().resend(told()[0].command).ok());
  refuse_it();
  ASSERT_EQ(told().size(), 2u);
  ASSERT_TRUE(engine->outgoing().discard(told()[0].command).ok());
  EXPECT_TRUE(engine->history().conversations(10).empty());
  EXPECT_TRUE(engine->outbox().idle());
}

TEST_F(OutboxTest, ReplyToAMessageOfTheSameBatchFindsIt) {
  const MessageId question = send("question");
  ASSERT_TRUE(engine->outgoing().send(room, "answer", question).ok());
  go_online();
  place(expect(v1::ClientFrame::kSend), 1);
  const auto shown = engine->history().timeline(room, 10);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[1].reply_to, Seq(1));
  EXPECT_EQ(shown[1].reply_to_id, question);
}

TEST_F(OutboxTest, ReplyToAMessageThatNobodyHereKnowsIsRefusedAtOnce) {
  go_online();
  const auto id = engine->outgoing().send(engine->outgoing().direct(UserId::of("bob")), "answer",
                                          MessageId(std::array<std::uint8_t, 16>{9}));
  ASSERT_FALSE(id.ok());
  EXPECT_EQ(id.error().code, ErrorCode::kNotFound);
  EXPECT_TRUE(engine->outbox().idle());
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
}

// The cache lost its tail with the power, the outbox did not: only the server knows the place.
TEST_F(OutboxTest, ReplyToAMessageThatThisDeviceLostIsFetched) {
  go_online({state(0)});
  const MessageId question = send("question");
  const MessageId answer = engine->outgoing().send(room, "answer", question).value_or({});
  place(expect(v1::ClientFrame::kSend), 1);
  CacheChange lost;
  lost.forget_history = true;
  ASSERT_TRUE(store->commit(lost).ok());
  restart();
  go_online();
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items(0).message_id(), answer.bytes());
  place(request, 2);
  v1::Event second = event(2, "alice", answer);
  second.set_reply_to_seq(1);
  give_events(expect(v1::ClientFrame::kGetEvents), {event(1, "alice", question), second}, 2);
  ASSERT_EQ(engine->history().timeline(room, 10).size(), 2u);
  EXPECT_EQ(engine->history().timeline(room, 10).back().reply_to, Seq(1));
  EXPECT_TRUE(engine->outbox().idle());
}

// Others have written so much since that the reply's place is in a hole, which is left for later.
TEST_F(OutboxTest, ReplyToALostMessageIsFetchedFromAHoleToo) {
  go_online({state(0)});
  const MessageId question = send("question");
  const MessageId answer = engine->outgoing().send(room, "answer", question).value_or({});
  place(expect(v1::ClientFrame::kSend), 1);
  CacheChange lost;
  lost.forget_history = true;
  ASSERT_TRUE(store->commit(lost).ok());
  restart();
  go_online({state(500)});
  place(expect(v1::ClientFrame::kSend), 2);
  const auto newest = expect(v1::ClientFrame::kGetEvents);
  ASSERT_TRUE(newest.get_events().newest());
  give_events(newest, {event(500)}, 500);
  EXPECT_FALSE(store->find_message(room, answer).has_value()) << "without what it answers";
  v1::ClientFrame get;
  for (const auto& frame : server.received) {
    if (frame.get_events().to() == 2) get = frame;
  }
  ASSERT_TRUE(get.has_get_events());
  v1::Event second = event(2, "alice", answer);
  second.set_reply_to_seq(1);
  give_events(get, {second}, 500);
  v1::Event stored;
  stored.ParseFromString(store->find_message(room, answer).value_or(StoredEvent{}).bytes);
  EXPECT_EQ(stored.reply_to_seq(), 1u);
  EXPECT_TRUE(engine->outbox().idle());
}

TEST_F(OutboxTest, RefusedItemKeepsItsReasonAcrossARestart) {
  go_online();
  const MessageId id = send("answer to something deleted");
  const auto request = expect(v1::ClientFrame::kSend);
  v1::ServerFrame frame;
  frame.set_reply_to(request.req_id());
  v1::ItemResult& item = *frame.mutable_send_result()->add_items();
  item.set_message_id(id.bytes());
  item.mutable_error()->set_code(v1::ERROR_CODE_NOT_FOUND);
  say(frame);
  EXPECT_EQ(engine->history().timeline(room, 1).front().failure, ErrorCode::kNotFound);
  restart();
  const Message shown = engine->history().timeline(room, 1).front();
  EXPECT_EQ(shown.status, DeliveryStatus::kFailed);
  EXPECT_EQ(shown.failure, ErrorCode::kNotFound);
  ASSERT_TRUE(engine->outgoing().resend(id).ok());
  EXPECT_EQ(engine->history().timeline(room, 1).front().failure, std::nullopt);
}

TEST_F(OutboxTest, ConversationListShowsWhatWasJustWritten) {
  auto other = state(3);
  other.set_conversation_id(
      ConversationId::direct(engine->model().self(), UserId::of("carol")).bytes());
  other.set_direct_peer(UserId::of("carol").bytes());
  other.set_last_ts_ms(1'900'000'000'000);  // its clock is years ahead
  go_online({other, state(0)});
  events.clear();
  send("just now");
  const auto list = engine->history().conversations(10);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].id, room);
  EXPECT_EQ(list[0].last.text, "just now");
  EXPECT_EQ(list[0].last.status, DeliveryStatus::kSending);
  bool told = false;
  for (const Event& e : events) {
    const auto* changed = std::get_if<ConversationChanged>(&e);
    told |= changed && changed->conversation.last.text == "just now";
  }
  EXPECT_TRUE(told);
  place(expect(v1::ClientFrame::kSend), 1);
  EXPECT_EQ(engine->history().conversations(10)[0].last.status, DeliveryStatus::kSent);
}

TEST_F(OutboxTest, FailedMessageIsLastButDoesNotHoldItsPlaceOnTop) {
  auto other = state(0);
  other.set_conversation_id(
      ConversationId::direct(engine->model().self(), UserId::of("carol")).bytes());
  other.set_direct_peer(UserId::of("carol").bytes());
  other.set_last_seq(1);
  other.set_last_ts_ms(1'900'000'000'000);
  go_online({other, state(0)});
  send("no");
  refuse(expect(v1::ClientFrame::kSend), v1::ERROR_CODE_PERMISSION_DENIED);
  const auto list = engine->history().conversations(10);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].last.text, "no");
  EXPECT_EQ(list[1].last.status, DeliveryStatus::kFailed);
}

TEST_F(OutboxTest, KeepsToTheLimitsOfTheServer) {
  engine->connection().start();
  const auto asked = hello();
  v1::ServerFrame frame = welcome_frame(asked);
  v1::Limits& bounds = *frame.mutable_welcome()->mutable_limits();
  bounds.set_batch_items_max(2);
  bounds.set_body_bytes_max(100);
  bounds.set_frame_bytes_max(1024);
  for (const char* text : {"one", "two", "three"}) send(text);
  say(frame);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 2);
  const auto large = engine->outgoing().send(room, std::string(101, 'x'), {});
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
}

TEST_F(OutboxTest, BatchFitsTheFrameOfTheServer) {
  engine->connection().start();
  v1::ServerFrame frame = welcome_frame(hello());
  frame.mutable_welcome()->mutable_limits()->set_frame_bytes_max(1024);
  for (int i = 0; i < 4; ++i) send(std::string(300, 'x'));
  say(frame);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().items_size(), 2);
}

TEST_F(OutboxTest, ThrottleHoldsEverythingBackAsLongAsAsked) {
  go_online();
  v1::ServerFrame throttle;
  throttle.mutable_throttle()->set_retry_after_ms(5000);
  say(throttle);
  send("patience");
  scheduler.advance(4900ms);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  scheduler.advance(700ms);  // it is spread by a tenth
  EXPECT_EQ(count(v1::ClientFrame::kSend), 1u);
}

TEST_F(OutboxTest, RateLimitOfOneConversationHoldsTheOthersBackToo) {
  go_online();
  send("too fast");
  const auto first = expect(v1::ClientFrame::kSend);
  v1::ServerFrame error;
  error.set_reply_to(first.req_id());
  error.mutable_error()->set_code(v1::ERROR_CODE_RATE_LIMITED);
  error.mutable_error()->set_retryable(true);
  error.mutable_error()->set_retry_after_ms(3000);
  say(error);
  ASSERT_TRUE(engine->outgoing()
                  .send(engine->outgoing().direct(UserId::of("carol")), "another room", {})
                  .ok());
  scheduler.advance(2900ms);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  scheduler.advance(500ms);
  EXPECT_EQ(count(v1::ClientFrame::kSend), 2u);
}

TEST_F(OutboxTest, BadTextLeavesNoTrace) {
  const ConversationId to = engine->outgoing().direct(UserId::of("bob"));
  const auto large = engine->outgoing().send(to, std::string(limits::body_bytes_max + 1, 'x'), {});
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(engine->outgoing().send(to, "\xff", {}).ok(), false);
  EXPECT_TRUE(engine->outbox().idle());
}

}  // namespace
}  // namespace kith::client
