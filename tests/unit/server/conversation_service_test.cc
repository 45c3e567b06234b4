// Requests about conversations: batches, replies, receipts, and the pushes to others.
#include "server/dispatch/conversation_requests.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "kith/core/limits.h"
#include "server/gateway/send_queue.h"
#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::group_id;
using testing::message;

class ConversationServiceTest : public testing::ServiceTest {
 protected:
  ConversationServiceTest() { make_group(anna, {bob, cleo}); }
  Caller anna = enter(ann, 1);
  Caller bobs = enter(bob, 2);
};

v1::OutMessage answering(v1::OutMessage item, const MessageId& answered) {
  item.set_reply_to_message_id(answered.bytes());
  return item;
}
v1::OutMessage answering(v1::OutMessage item, std::uint64_t seq) {
  item.set_reply_to_seq(seq);
  return item;
}

TEST_F(ConversationServiceTest, ABatchIsPlacedInItsOrder) {
  const auto result = send(anna, {out(1), out(2), out(3)});
  ASSERT_EQ(result.items_size(), 3);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(result.items(i).message_id(), message(static_cast<std::uint8_t>(i + 1)).bytes());
    EXPECT_EQ(result.items(i).placed().seq(), static_cast<std::uint64_t>(i) + 2);
  }
}

TEST_F(ConversationServiceTest, ARefusedItemStopsThoseBehindItUntilTheBatchIsRepeated) {
  bool failed = false;
  disks.log->commit_fault = [&]() -> std::optional<Error> {
    if (std::exchange(failed, true)) return std::nullopt;
    return make_error(ErrorCode::kIo, "the disk is slow");
  };
  // The second waits for the first and would be appended after the fault is over.
  std::vector<v1::OutMessage> items{out(1), answering(out(2), message(1)), out(3)};
  const auto refused = send(anna, items);
  ASSERT_EQ(refused.items_size(), 3);
  for (const v1::ItemResult& item : refused.items()) EXPECT_TRUE(item.error().retryable());
  for (v1::OutMessage& item : items) item.set_attempt(1);
  const auto placed = send(anna, items);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(placed.items(i).placed().seq(), static_cast<std::uint64_t>(i) + 2);
    EXPECT_FALSE(placed.items(i).placed().duplicate());
  }
  EXPECT_EQ(history(anna).at(2).reply_to_seq(), 2u);
}

TEST_F(ConversationServiceTest, APermanentlyRefusedItemDoesNotStopThoseBehindIt) {
  const auto result = send(anna, {out(1), answering(out(2), 99), out(3)});
  EXPECT_EQ(result.items(0).placed().seq(), 2u);
  EXPECT_EQ(result.items(1).error().code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_FALSE(result.items(1).error().retryable());
  EXPECT_EQ(result.items(2).placed().seq(), 3u);
}

TEST_F(ConversationServiceTest, AReplyFindsItsMessageByIdWithinTheBatchAndLater) {
  send(anna, {out(1), answering(out(2), message(1))});
  send(anna, {answering(out(3), message(2))});
  const auto events = history(anna);
  EXPECT_EQ(events.at(2).reply_to_seq(), 2u);
  EXPECT_EQ(events.at(3).reply_to_seq(), 3u);
}

// Else a restart would read a first attempt behind its repetition, and place it once more.
TEST_F(ConversationServiceTest, WhatWaitedInItsBatchIsLoggedAsARepetition) {
  disks.log->commit_delay = [] { return Millis(100); };
  const auto first = begin(anna, batch({out(1), answering(out(2), message(1)), out(3)}));
  std::vector<v1::OutMessage> again{out(2),
                                    out(3)};  // the sender comes back and knows of the first
  for (v1::OutMessage& item : again) item.set_attempt(1);
  const auto second = begin(anna, batch(again));
  loop.advance(Millis(500));
  ASSERT_TRUE(first->has_value() && second->has_value());
  std::map<MessageId, int> times;
  for (const LogEntry& entry : disks.log->entries) {
    if (times[entry.record.command_id]++ == 0) continue;
    EXPECT_GT(entry.record.attempt, 0U);
  }
  EXPECT_EQ(times[message(2)], 2);
  EXPECT_EQ(times[message(3)], 2);
  EXPECT_EQ((*first)->send_result().items(2).placed().seq(),
            (*second)->send_result().items(1).placed().seq());
}

// As after a restart, when repetitions in the log are looked up again.
TEST_F(ConversationServiceTest, AReplyToAMessageThatIsNotDecidedYetComesAgain) {
  disks.store->read_delay = [] { return Millis(100); };
  v1::OutMessage again = out(1);
  again.set_attempt(1);
  const auto first = begin(anna, batch({again}));
  loop.settle();
  const auto early = begin(anna, batch({answering(out(2), message(1))}));
  loop.advance(Millis(500));
  ASSERT_TRUE(first->has_value() && early->has_value());
  EXPECT_TRUE((*first)->send_result().items(0).has_placed());
  const auto& refused = (*early)->send_result().items(0).error();
  EXPECT_EQ(refused.code(), v1::ERROR_CODE_UNAVAILABLE);
  EXPECT_TRUE(refused.retryable());
}

// As after a restart, too: the group's creation is in the log, and looked up as a repetition.
// The members are asked for consent first, which takes the directory's time.
TEST_F(ConversationServiceTest, WhatIsAskedBehindACreationWaitsForIt) {
  const ConversationId id = group_id(7);
  const Caller dave = enter(person("dave"), 33);
  v1::ClientFrame create;
  create.mutable_create_conversation()->set_conversation_id(id.bytes());
  create.mutable_create_conversation()->set_command_id(message(70).bytes());
  create.mutable_create_conversation()->add_members(bob.bytes());
  v1::ClientFrame add;
  add.mutable_member_change()->set_conversation_id(id.bytes());
  add.mutable_member_change()->set_command_id(message(71).bytes());
  add.mutable_member_change()->set_kind(v1::MEMBER_CHANGE_KIND_ADD);
  add.mutable_member_change()->set_role(v1::MEMBER_ROLE_MEMBER);
  add.mutable_member_change()->add_users(cleo.bytes());
  const auto created = begin(anna, create);
  const auto added = begin(anna, add);
  const auto sent = begin(anna, batch({out(72)}, id));
  const auto strange = begin(dave, batch({out(73)}, id));
  loop.advance(Millis(100));
  ASSERT_TRUE(created->has_value() && added->has_value() && sent->has_value());
  EXPECT_TRUE((*created)->has_placed());
  EXPECT_TRUE((*added)->has_placed()) << (*added)->error().detail();
  ASSERT_EQ((*sent)->send_result().items_size(), 1) << (*sent)->error().detail();
  EXPECT_TRUE((*sent)->send_result().items(0).has_placed());
  EXPECT_EQ((*strange)->error().code(), v1::ERROR_CODE_NOT_MEMBER) << "learns of nothing";
  // A creation that is refused takes what waits for it along.
  const ConversationId none = group_id(8);
  create.mutable_create_conversation()->set_conversation_id(none.bytes());
  create.mutable_create_conversation()->set_members(0, UserId::of("nobody").bytes());
  const auto refused = begin(anna, create);
  const auto behind = begin(anna, batch({out(74)}, none));
  loop.advance(Millis(100));
  ASSERT_TRUE(refused->has_value() && behind->has_value());
  EXPECT_TRUE((*refused)->has_error());
  EXPECT_EQ((*behind)->error().code(), v1::ERROR_CODE_NOT_MEMBER);
}

// The loop reads more between the answer to the creation and what waited for it.
TEST_F(ConversationServiceTest, WhatIsAskedAsACreationEndsComesBehindWhatWaitedForIt) {
  const ConversationId id = group_id(7);
  v1::ClientFrame create;
  create.mutable_create_conversation()->set_conversation_id(id.bytes());
  create.mutable_create_conversation()->set_command_id(message(70).bytes());
  create.mutable_create_conversation()->add_members(bob.bytes());
  std::shared_ptr<std::optional<v1::ServerFrame>> later;
  service.handle(stamped(anna), create, [&](v1::ServerFrame&& reply) {
    EXPECT_TRUE(reply.has_placed());
    loop.post([&] { later = begin(anna, batch({out(72)}, id)); });
  });
  const auto earlier = begin(anna, batch({out(71)}, id));
  loop.advance(Millis(100));
  ASSERT_TRUE(earlier->has_value() && later && later->has_value());
  ASSERT_EQ((*earlier)->send_result().items_size(), 1) << (*earlier)->error().detail();
  ASSERT_EQ((*later)->send_result().items_size(), 1) << (*later)->error().detail();
  EXPECT_LT((*earlier)->send_result().items(0).placed().seq(),
            (*later)->send_result().items(0).placed().seq());
}

TEST_F(ConversationServiceTest, NobodyIsRefusedForGoodBeforeTheGroupsCreationIsDecided) {
  disks.store->read_delay = [] { return Millis(100); };
  v1::ClientFrame create;
  create.mutable_create_conversation()->set_conversation_id(group_id(2).bytes());
  create.mutable_create_conversation()->set_command_id(message(60).bytes());
  create.mutable_create_conversation()->set_attempt(1);
  const auto made = begin(anna, create);
  loop.advance(Millis(150));  // loaded, and not yet looked up
  v1::ClientFrame events;
  events.mutable_get_events()->set_conversation_id(group_id(2).bytes());
  const auto asked = begin(anna, events);
  const auto sent = begin(anna, batch({out(1)}, group_id(2)));
  loop.settle();
  ASSERT_TRUE(asked->has_value());
  EXPECT_EQ((*asked)->error().code(), v1::ERROR_CODE_UNAVAILABLE);
  EXPECT_FALSE(sent->has_value()) << "it waits for the creation";
  loop.advance(Millis(500));
  ASSERT_TRUE(made->has_value() && (*made)->has_placed());
  ASSERT_TRUE(sent->has_value());
  EXPECT_TRUE((*sent)->send_result().items(0).has_placed());
}

// Else the device takes what is decided for all there is, and its read mark for confirmed.
TEST_F(ConversationServiceTest, WhoKnowsOfMoreThanIsDecidedComesAgain) {
  send(anna, {out(1)});
  disks.store->read_delay = [] { return Millis(100); };
  v1::OutMessage again = out(2);
  again.set_attempt(1);
  const auto third = begin(anna, batch({again}));
  loop.settle();
  v1::ClientFrame events, read;
  events.mutable_get_events()->set_conversation_id(group_id().bytes());
  events.mutable_get_events()->set_to(3);
  read.mutable_mark_read()->set_conversation_id(group_id().bytes());
  read.mutable_mark_read()->set_upto_seq(3);
  for (const v1::ClientFrame& frame : {events, read}) {
    const auto early = begin(anna, frame);
    loop.settle();
    ASSERT_TRUE(early->has_value());
    EXPECT_EQ((*early)->error().code(), v1::ERROR_CODE_UNAVAILABLE) << frame.body_case();
  }
  events.mutable_get_events()->set_to(2);
  EXPECT_EQ(ask(anna, events).events_page().last_seq(), 2u);
  loop.advance(Millis(500));
  EXPECT_EQ(history(anna).size(), 3u);
  EXPECT_TRUE(ask(anna, read).has_ack());
}

TEST_F(ConversationServiceTest, AReplyToAnUnknownIdIsNotFound) {
  const auto result = send(anna, {answering(out(1), message(77)), out(2)});
  EXPECT_EQ(result.items(0).error().code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_FALSE(result.items(0).error().retryable());
  EXPECT_EQ(result.items(1).placed().seq(), 2u);
}

TEST_F(ConversationServiceTest, AReplyWaitsWhileTheStoreCannotSay) {
  disks.store->read_fault = [] { return std::optional(make_error(ErrorCode::kIo, "unreadable")); };
  const auto result = send(anna, {answering(out(1), message(77)), out(2)});
  EXPECT_TRUE(result.items(0).error().retryable());
  EXPECT_TRUE(result.items(1).error().retryable());
}

TEST_F(ConversationServiceTest, NobodyAnswersWhatWasSaidBeforeTheyJoined) {
  send(anna, {out(1)});
  const Caller dora = enter(person("dora"), 4);
  v1::ClientFrame add;
  add.mutable_member_change()->set_conversation_id(group_id().bytes());
  add.mutable_member_change()->set_command_id(message(50).bytes());
  add.mutable_member_change()->set_kind(v1::MEMBER_CHANGE_KIND_ADD);
  add.mutable_member_change()->add_users(dora.user.bytes());
  ASSERT_TRUE(ask(anna, add).has_placed());
  const auto result = send(dora, {answering(out(2), 2), answering(out(3), 3)});
  EXPECT_EQ(result.items(0).error().code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_EQ(result.items(1).placed().seq(), 4u);
}

TEST_F(ConversationServiceTest, AFirstMessageWaitsWithItsConversation) {
  const ConversationId direct = ConversationId::direct(ann, bob);
  bool failed = false;
  disks.log->commit_fault = [&]() -> std::optional<Error> {
    if (std::exchange(failed, true)) return std::nullopt;
    return make_error(ErrorCode::kDiskFull, "full");
  };
  v1::ClientFrame first = batch({out(1)}, direct);
  first.mutable_send()->set_direct_peer(bob.bytes());
  EXPECT_TRUE(ask(anna, first).send_result().items(0).error().retryable());
  EXPECT_EQ(ask(anna, first).send_result().items(0).placed().seq(), 2u);
}

v1::ClientFrame mark_read(std::uint64_t upto) {
  v1::ClientFrame frame;
  frame.mutable_mark_read()->set_conversation_id(group_id().bytes());
  frame.mutable_mark_read()->set_upto_seq(upto);
  return frame;
}
v1::ClientFrame ack_events(std::uint64_t upto) {
  v1::ClientFrame frame;
  v1::HeadRef& head = *frame.mutable_ack_events()->add_upto();
  head.set_conversation_id(group_id().bytes());
  head.set_seq(upto);
  return frame;
}

TEST_F(ConversationServiceTest, AReadMarkIsAnsweredAsSoonAsItIsDurable) {
  send(anna, {out(1)});
  service.handle(stamped(bobs), ack_events(2), nullptr);
  const std::int64_t before = loop.now();
  const Position last = log.last();
  const auto answer = begin(bobs, mark_read(2));
  loop.settle();
  EXPECT_TRUE(answer->has_value() && (*answer)->has_ack());
  EXPECT_EQ(loop.now(), before);
  EXPECT_EQ(log.last(), last + 1);
  loop.advance(Millis(50));
  EXPECT_EQ(log.last(), last + 1);  // the gathered delivery went along
}

TEST_F(ConversationServiceTest, ReceiptsOfStrangersAreNotLogged) {
  send(anna, {out(1)});
  const Caller stranger = enter(person("dora"), 4);
  const Position before = log.last();
  service.handle(stamped(stranger), ack_events(2), nullptr);
  loop.advance(Millis(50));
  EXPECT_EQ(ask(stranger, mark_read(2)).error().code(), v1::ERROR_CODE_NOT_MEMBER);
  v1::ClientFrame nowhere = ack_events(7);
  nowhere.mutable_ack_events()->mutable_upto(0)->set_conversation_id(std::string(16, 'n'));
  service.handle(stamped(bobs), nowhere, nullptr);
  loop.advance(Millis(3'000));
  EXPECT_EQ(log.last(), before);
}

TEST_F(ConversationServiceTest, DeliveriesOfOneReaderAreGatheredIntoOneRecord) {
  send(anna, {out(1), out(2), out(3)});
  const Position before = log.last();
  for (std::uint64_t seq = 2; seq <= 4; ++seq)
    service.handle(stamped(bobs), ack_events(seq), nullptr);
  loop.advance(Millis(50));
  EXPECT_EQ(log.last(), before + 1);
  EXPECT_EQ(find_member(*cache.cached(group_id()), bob)->delivered_seq, 4u);
}

TEST_F(ConversationServiceTest, ReceiptsAreToldOnceTheyMoveTheMinimum) {
  const Caller cleos = enter(cleo, 3);
  send(anna, {out(1)});
  pushed.clear();
  ask(bobs, mark_read(2));
  loop.advance(Millis(3'000));
  for (const auto& frame : pushed[1]) EXPECT_EQ(frame.receipt_push().states(0).read_all_seq(), 1u);
  ask(cleos, mark_read(2));
  loop.advance(Millis(3'000));
  ASSERT_FALSE(pushed[1].empty());
  const v1::ReceiptState& state = pushed[1].back().receipt_push().states(0);
  EXPECT_EQ(state.delivered_all_seq(), 2u);
  EXPECT_EQ(state.read_all_seq(), 2u);
}

TEST_F(ConversationServiceTest, AReceiptGoesAtOnceThenInTurnsAndNotToWhoCausedIt) {
  ConversationId direct = ConversationId::direct(ann, bob);
  v1::ClientFrame first = batch({out(1)}, direct);
  first.mutable_send()->set_direct_peer(bob.bytes());
  ask(anna, first);
  const auto acked = [&](std::uint64_t seq) {
    v1::ClientFrame frame;
    auto* head = frame.mutable_ack_events()->add_upto();
    head->set_conversation_id(direct.bytes());
    head->set_seq(seq);
    service.handle(stamped(bobs), frame, nullptr);
  };
  const auto told = [&](const Caller& who) {
    std::vector<std::uint64_t> all;
    for (const auto& frame : pushed[who.session]) {
      if (!frame.has_receipt_push()) continue;
      all.push_back(frame.receipt_push().states(0).delivered_all_seq());
    }
    return all;
  };
  send(anna, {out(2), out(3), out(4)}, direct);
  loop.advance(Millis(1'000));
  pushed.clear();
  acked(2);
  loop.advance(Millis(5));
  EXPECT_EQ(told(anna), (std::vector<std::uint64_t>{2}));
  acked(3);
  loop.advance(Millis(5));
  acked(4);
  loop.advance(Millis(5));
  EXPECT_EQ(told(anna).size(), 1u);
  loop.advance(limits::receipt_coalesce_direct);
  EXPECT_EQ(told(anna), (std::vector<std::uint64_t>{2, 4}));
  EXPECT_TRUE(told(bobs).empty());
}

// One's own message ends the pause, and its first receipt does not wait for the end of the next.
TEST_F(ConversationServiceTest, TheFirstReceiptOfAnAnswerGoesAtOnce) {
  const ConversationId direct = ConversationId::direct(ann, bob);
  v1::ClientFrame first = batch({out(1)}, direct);
  first.mutable_send()->set_direct_peer(bob.bytes());
  ask(anna, first);
  loop.advance(Millis(1'000));
  send(bobs, {out(2)},
       direct);  // he has read hers by it: she gets the receipt, and the pause begins
  pushed.clear();
  loop.advance(Millis(1'000));
  send(anna, {out(3)}, direct);
  loop.advance(Millis(1'000));
  begin(bobs, batch({out(4)}, direct));
  loop.advance(Millis(3));
  pushed.clear();
  v1::ClientFrame ack;
  ack.mutable_ack_events()->add_upto()->set_conversation_id(direct.bytes());
  ack.mutable_ack_events()->mutable_upto(0)->set_seq(5);
  service.handle(stamped(anna), ack, nullptr);
  loop.advance(Millis(3));
  ASSERT_EQ(pushed[bobs.session].size(), 1u);
  EXPECT_EQ(pushed[bobs.session][0].receipt_push().states(0).delivered_all_seq(), 5u);
  EXPECT_TRUE(pushed[anna.session].empty());
}

TEST_F(ConversationServiceTest, WhatIsReceivedAlreadyIsNoRecord) {
  send(anna, {out(1)});
  service.handle(stamped(bobs), ack_events(2), nullptr);
  loop.advance(Millis(50));
  const Position before = log.last();
  service.handle(stamped(bobs), ack_events(2), nullptr);
  service.handle(stamped(anna), ack_events(2), nullptr);  // who sends has it
  loop.advance(Millis(50));
  EXPECT_EQ(log.last(), before);
}

TEST_F(ConversationServiceTest, TheMessagesOfOneBatchAreOnePush) {
  pushed.clear();
  send(anna, {out(1), out(2), out(3)});
  ASSERT_EQ(pushed[2].size(), 1u);
  const auto& events = pushed[2][0].event_push().events();
  ASSERT_EQ(events.size(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(events[i].seq(), static_cast<std::uint64_t>(2 + i));
  EXPECT_TRUE(pushed[1].empty()) << "not to the session that sent them";
}

// 16 of the largest do not fit in one frame.
TEST_F(ConversationServiceTest, ALargeBatchIsSeveralPushesThatFit) {
  pushed.clear();
  std::vector<v1::OutMessage> items;
  for (std::uint8_t n = 1; n <= 15; ++n) items.push_back(out(n, std::string(4'000, 'x')));
  ask(anna, batch(items));
  int events = 0;
  for (const auto& frame : pushed[2]) events += frame.event_push().events_size();
  EXPECT_EQ(events, 15);
  EXPECT_EQ(pushed[2].size(), 2u);
}

// For a peer that does not read: the newest says all that the older ones did.
TEST_F(ConversationServiceTest, ReceiptsThatWaitForASlowSocketAreMergedIntoTheNewest) {
  SendQueue waiting({/*soft_bytes=*/1, /*hard_bytes=*/100'000});
  std::vector<std::shared_ptr<const std::string>> frames;
  bus.subscribe(
      "g",
      [&](const Delivery& d) {
        if (d.cls != DeliveryClass::kReceipt) return;
        if (std::find(d.sessions.begin(), d.sessions.end(), anna.session) == d.sessions.end())
          return;
        waiting.push({d.frame, d.cls, d.conversation, d.last_seq, d.ordinal}, 0);
        frames.push_back(d.frame);
      },
      [] {});
  const Caller cleos = enter(cleo, 3);
  for (std::uint8_t n = 1; n <= 3; ++n) {
    send(anna, {out(n)});
    for (const Caller& reader : {bobs, cleos}) ask(reader, mark_read(1 + n));
    loop.advance(Millis(3'000));
  }
  ASSERT_GE(frames.size(), 3u);
  EXPECT_EQ(waiting.pop(), frames.back());
  EXPECT_TRUE(waiting.empty());
}

}  // namespace
}  // namespace kith::server
