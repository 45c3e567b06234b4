// Events of the user's own messages: new once, a change when they get their place, never live.
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

class Told : public EngineTest {
 protected:
  // Returns the events of messages since the last call.
  std::vector<MessageChanged> messages() {
    scheduler.settle();
    std::vector<MessageChanged> found;
    for (const Event& event : events) {
      if (const auto* changed = std::get_if<MessageChanged>(&event)) found.push_back(*changed);
    }
    events.clear();
    return found;
  }
};

TEST_F(Told, AnOwnSendIsNewOnceAndThenHasItsPlace) {
  go_online({state(0)});
  send("hello");
  auto told = messages();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].is_new);
  EXPECT_EQ(told[0].message.status, DeliveryStatus::kSending);
  place(expect(v1::ClientFrame::kSend), 1);
  told = messages();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].is_new);
  EXPECT_FALSE(told[0].live);
  EXPECT_EQ(told[0].message.status, DeliveryStatus::kSent);
  EXPECT_EQ(told[0].message.seq, Seq(1));
}

TEST_F(Told, TheEventMayComeBeforeTheAnswer) {
  go_online({state(0)});
  const MessageId id = send("hello");
  const auto request = expect(v1::ClientFrame::kSend);
  messages();
  push(event(1, "alice", id));
  auto told = messages();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_FALSE(told[0].is_new);
  EXPECT_FALSE(told[0].live);
  EXPECT_EQ(told[0].message.status, DeliveryStatus::kSent);
  place(request, 1);
  EXPECT_TRUE(messages().empty());
}

TEST_F(Told, WhatOnesOtherDeviceWroteIsNewAndNotLive) {
  go_online({state(0)});
  push(event(1, "alice"));
  push(event(2, "bob"));
  const auto told = messages();
  ASSERT_EQ(told.size(), 2u);
  EXPECT_TRUE(told[0].is_new);
  EXPECT_FALSE(told[0].live);
  EXPECT_TRUE(told[1].is_new);
  EXPECT_TRUE(told[1].live);
}

TEST_F(Told, AnOwnChangeOfAGroupIsNewAndHasNoTicks) {
  go_online();
  const auto group = engine->outgoing().create_group("team", {UserId::of("bob")});
  ASSERT_TRUE(group.ok());
  const auto request = expect(v1::ClientFrame::kCreateConversation);
  v1::Event created;
  created.set_conversation_id(group->bytes());
  created.set_seq(1);
  created.set_kind(v1::EVENT_KIND_MEMBERSHIP);
  created.set_message_id(request.create_conversation().command_id());
  created.set_sender(UserId::of("alice").bytes());
  v1::MembershipBody body;
  body.set_created(true);
  body.set_type(v1::CONVERSATION_TYPE_GROUP);
  created.set_body(body.SerializeAsString());
  messages();
  push(created);
  auto told = messages();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_TRUE(told[0].is_new);
  EXPECT_EQ(told[0].message.kind, MessageKind::kMembership);
  v1::ServerFrame read;
  v1::ReceiptState& marks = *read.mutable_receipt_push()->add_states();
  marks.set_conversation_id(group->bytes());
  marks.set_delivered_all_seq(1);
  marks.set_read_all_seq(1);
  say(read);
  EXPECT_TRUE(messages().empty());
  EXPECT_EQ(engine->history().timeline(*group, 5).back().status, DeliveryStatus::kSent);
}

TEST_F(Told, AConversationIsCalledByTheHandleThatWasTyped) {
  const auto to = engine->outgoing().direct(std::string("bob"));
  ASSERT_TRUE(engine->outgoing().send(to, "hello", {}).ok());
  ASSERT_EQ(engine->history().conversations(1).size(), 1u);
  EXPECT_EQ(engine->history().conversations(1)[0].title, "bob");
  restart();
  EXPECT_EQ(engine->history().conversations(1)[0].title, "bob");
  ASSERT_TRUE(engine->profiles().find(UserId::of("bob")));
  EXPECT_EQ(engine->profiles().find(UserId::of("bob"))->handle, "bob");
  go_online();
  v1::ServerFrame answer;
  const auto request = expect(v1::ClientFrame::kGetUsers);  // what else there is to know
  answer.set_reply_to(request.req_id());
  v1::UserProfile& bob = *answer.mutable_users_page()->add_users();
  bob.set_user_id(UserId::of("bob").bytes());
  bob.set_handle("bob");
  bob.set_display_name("Bob Miller");
  say(answer);
  EXPECT_EQ(engine->history().conversations(1)[0].title, "Bob Miller");
}

}  // namespace
}  // namespace kith::client
