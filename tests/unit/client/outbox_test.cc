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
  EXPECT_FALSE(engine->outbox_idle());
  go_online();
  const auto request = expect(v1::ClientFrame::kSend);
  ASSERT_EQ(request.send().items_size(), 2);
  EXPECT_EQ(request.send().items(0).attempt(), 0u);
  EXPECT_EQ(request.send().direct_peer(), UserId::of("bob").bytes());
  place(request, 1);
  EXPECT_TRUE(engine->outbox_idle());
  EXPECT_EQ(texts(), (Texts{"one", "two"}));
  EXPECT_EQ(engine->timeline(room, 10).back().status, DeliveryStatus::kSent);
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
  EXPECT_FALSE(engine->outbox_idle());
  scheduler.advance(60s);
  welcome(hello());
  push(event(1, "alice", id));
  EXPECT_TRUE(engine->outbox_idle());
  EXPECT_EQ(engine->timeline(room, 10).size(), 1u);
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
  const auto shown = engine->timeline(room, 10);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].text, "good");
  EXPECT_EQ(shown[1].status, DeliveryStatus::kFailed);
  EXPECT_TRUE(engine->discard(bad).ok());
  EXPECT_EQ(texts(), Texts{"good"});
}

TEST_F(OutboxTest, GroupIsCreatedBeforeItsFirstMessage) {
  const auto group = engine->create_group("friends", {UserId::of("bob")});
  ASSERT_TRUE(group.ok());
  ASSERT_TRUE(engine->send(*group, "welcome", {}).ok());
  go_online();
  EXPECT_EQ(count(v1::ClientFrame::kSend), 0u);
  const auto create = expect(v1::ClientFrame::kCreateConversation);
  v1::ServerFrame placed;
  placed.set_reply_to(create.req_id());
  placed.mutable_placed()->set_seq(1);
  say(placed);
  EXPECT_EQ(expect(v1::ClientFrame::kSend).send().conversation_id(), group->bytes());
}

TEST_F(OutboxTest, ReplyToAMessageOfTheSameBatchFindsIt) {
  const MessageId question = send("question");
  ASSERT_TRUE(engine->send(room, "answer", question).ok());
  go_online();
  place(expect(v1::ClientFrame::kSend), 1);
  const auto shown = engine->timeline(room, 10);
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[1].reply_to, Seq(1));
  EXPECT_EQ(shown[1].reply_to_id, question);
}

TEST_F(OutboxTest, BadTextLeavesNoTrace) {
  const ConversationId to = engine->direct(UserId::of("bob"));
  const auto large = engine->send(to, std::string(limits::body_bytes_max + 1, 'x'), {});
  ASSERT_FALSE(large.ok());
  EXPECT_EQ(large.error().code, ErrorCode::kTooLarge);
  EXPECT_EQ(engine->send(to, "\xff", {}).ok(), false);
  EXPECT_TRUE(engine->outbox_idle());
}

}  // namespace
}  // namespace kith::client
