// decide(): order, repetition, replay, roles and receipts.
#include "server/conversation/decide.h"

#include <gtest/gtest.h>

#include <array>

#include <functional>

#include "kith/v1/event.pb.h"
#include "server/conversation/conversations.h"
#include "server/records/wire.h"

namespace kith::server {
namespace {

const UserId kAnna = UserId::of("anna");
const UserId kBen = UserId::of("ben");
const UserId kCleo = UserId::of("cleo");

struct History {
  Conversation conversation;
  Position next = 1;
  ConversationId id{std::array<std::uint8_t, 16>{1, 0, 0, 0, 0, 0, 0x40, 0, 0x80}};

  Outcome run(const UserId& sender, decltype(LogRecord::op) op,
              const std::optional<Placement>& earlier = std::nullopt, std::int64_t at = 1000) {
    LogEntry entry;
    entry.position = next++;
    entry.record.conversation = id;
    entry.record.sender = sender;
    entry.record.gateway_ts_ms = at;
    entry.record.rules_version = kRulesVersion;
    entry.record.op = std::move(op);
    if (change) change(entry.record);
    return decide(conversation, entry, earlier);
  }
  std::function<void(LogRecord&)> change;
  const Member& member(const UserId& user) { return *find_member(conversation, user); }
};

History group() {
  History h;
  h.run(kAnna, CreateOp{ConversationType::kGroup, "g", {kBen, kCleo}});
  return h;
}

// Any record that a gateway lets through.
TEST(Sequencer, AConversationIsOfTheTypeThatItsIdTells) {
  const auto decided = [](const ConversationId& id, const CreateOp& op) {
    LogEntry entry;
    entry.position = 1;
    entry.record.conversation = id;
    entry.record.sender = kAnna;
    entry.record.rules_version = kRulesVersion;
    entry.record.op = op;
    Conversation conversation;
    const Outcome out = decide(conversation, entry, std::nullopt);
    EXPECT_EQ(out.error.has_value(), conversation.head.last_seq == 0);
    return out.error ? out.error->code : ErrorCode{};
  };
  const ConversationId of_two = ConversationId::direct(kAnna, kBen);
  const ConversationId of_others = ConversationId::direct(kBen, kCleo);
  const ConversationId random(std::array<std::uint8_t, 16>{1, 2, 3, 4, 5, 6, 0x47, 8, 0x89});
  const CreateOp direct{ConversationType::kDirect, "", {kBen}};
  const CreateOp group{ConversationType::kGroup, "", {kBen, kCleo}};
  EXPECT_EQ(decided(of_two, direct), ErrorCode{});
  EXPECT_EQ(decided(random, group), ErrorCode{});
  for (const ConversationId& id : {of_others, random, ConversationId()})
    EXPECT_EQ(decided(id, direct), ErrorCode::kInvalidArgument);
  for (const ConversationId& id : {of_others, of_two, ConversationId()})
    EXPECT_EQ(decided(id, group), ErrorCode::kInvalidArgument);
}

TEST(Sequencer, NumbersWithoutHolesAndTimeNeverFalls) {
  History h = group();
  const Outcome first = h.run(kBen, SendOp{}, std::nullopt, 5000);
  const Outcome second = h.run(kCleo, SendOp{}, std::nullopt, 4000);
  EXPECT_EQ(first.placed->seq, 2u);
  EXPECT_EQ(second.placed->seq, 3u);
  EXPECT_EQ(second.placed->ordinal, 2u);
  EXPECT_EQ(second.placed->server_ts_ms, 5000);
}

TEST(Sequencer, ARepetitionKeepsItsFirstPlace) {
  History h = group();
  const Outcome first = h.run(kBen, SendOp{});
  const Outcome again = h.run(kBen, SendOp{}, first.placed);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.placed->seq, first.placed->seq);
  EXPECT_EQ(h.conversation.head.last_seq, 2u);
}

TEST(Sequencer, AReplayedRecordChangesNothing) {
  History h = group();
  h.next = 1;
  const Head before = h.conversation.head;
  EXPECT_TRUE(h.run(kBen, SendOp{}).replay);
  EXPECT_EQ(h.conversation.head, before);
}

TEST(Sequencer, OnlyAdminsAddMembersAndNobodyRemovesTheOwner) {
  History h = group();
  const UserId dora = UserId::of("dora");
  const MembershipOp add{MemberChangeKind::kAdd, {dora}, MemberRole::kNone};
  EXPECT_EQ(h.run(kBen, add).error->code, ErrorCode::kPermissionDenied);
  ASSERT_FALSE(
      h.run(kAnna, MembershipOp{MemberChangeKind::kSetRole, {kBen}, MemberRole::kAdmin}).error);
  const Outcome added = h.run(kBen, add);
  ASSERT_FALSE(added.error);
  EXPECT_EQ(h.member(dora).join_seq, added.placed->seq);
  EXPECT_EQ(
      h.run(kBen, MembershipOp{MemberChangeKind::kRemove, {kAnna}, MemberRole::kNone}).error->code,
      ErrorCode::kPermissionDenied);
}

TEST(Sequencer, TheOldestAdminInheritsFromALeavingOwner) {
  History h = group();
  h.run(kAnna, MembershipOp{MemberChangeKind::kSetRole, {kCleo}, MemberRole::kAdmin});
  const Outcome left = h.run(kAnna, MembershipOp{MemberChangeKind::kLeave, {}, MemberRole::kNone});
  EXPECT_EQ(h.member(kCleo).role, MemberRole::kOwner);
  EXPECT_EQ(h.member(kAnna).left_seq, left.placed->seq);
  EXPECT_EQ(h.run(kAnna, SendOp{}).error->code, ErrorCode::kNotMember);
}

TEST(Sequencer, ALeaverHasReadTheOwnFarewell) {
  History h = group();
  const Outcome left = h.run(kBen, MembershipOp{MemberChangeKind::kLeave, {}, MemberRole::kNone});
  EXPECT_EQ(h.member(kBen).read_seq, left.placed->seq);
}

TEST(Sequencer, AWithheldMessageLooksLikeAnyOtherToItsSender) {
  History h = group();
  LogEntry entry;
  entry.position = h.next++;
  entry.record.sender = kBen;
  entry.record.sender_only = true;
  entry.record.op = SendOp{};
  const Outcome sent = decide(h.conversation, entry, std::nullopt);
  v1::Event own;
  to_wire(*sent.event, kBen, &own);
  EXPECT_TRUE(own.countable());
  v1::Event others;
  to_wire(*sent.event, kAnna, &others);
  EXPECT_EQ(others.kind(), v1::EVENT_KIND_VOID);
  EXPECT_FALSE(others.countable());
}

History two() {
  History h;
  h.id = ConversationId::direct(kAnna, kBen);
  h.run(kAnna, CreateOp{ConversationType::kDirect, "", {kBen}});
  return h;
}

TEST(Sequencer, WhatABlockedPersonSaysBehindABlockIsWithheld) {
  History h = two();
  EXPECT_FALSE(h.run(kBen, SendOp{}).event->sender_only);
  h.run(kAnna, BlockOp{true});
  const Outcome withheld = h.run(kBen, SendOp{});
  EXPECT_TRUE(withheld.event->sender_only);
  EXPECT_FALSE(withheld.event->countable);
  EXPECT_EQ(h.member(kBen).withheld, 1u);
  EXPECT_FALSE(h.run(kAnna, SendOp{}).event->sender_only);
  h.run(kAnna, BlockOp{false});
  EXPECT_FALSE(h.run(kBen, SendOp{}).event->sender_only);
}

TEST(Sequencer, ABlockIsToldNobody) {
  History h = two();
  h.run(kBen, SendOp{});
  Conversation before = h.conversation;
  for (const bool on : {true, true, false}) {
    const bool changes = h.member(kAnna).blocks != on;
    const Outcome out = h.run(kAnna, BlockOp{on});
    EXPECT_FALSE(out.error || out.placed || out.event);
    EXPECT_TRUE(out.marks.empty() && out.audience.empty());
    EXPECT_FALSE(out.receipts_moved);
    EXPECT_EQ(out.changed_members.size(), changes ? 1u : 0u);
    before.head.last_position = h.conversation.head.last_position;
    EXPECT_EQ(h.conversation.head, before.head);
    EXPECT_EQ(h.member(kBen), *find_member(before, kBen));
  }
  EXPECT_EQ(h.conversation.members, before.members);
}

TEST(Sequencer, ABlockNeedsA1to1OfItsSender) {
  History none;
  EXPECT_TRUE(none.run(kAnna, BlockOp{true}).error);
  EXPECT_EQ(none.conversation.head.last_seq, 0u);
  History h = group();
  EXPECT_TRUE(h.run(kAnna, BlockOp{true}).error);
  EXPECT_FALSE(h.member(kAnna).blocks);
  History others = two();
  EXPECT_TRUE(others.run(kCleo, BlockOp{true}).error);
}

TEST(Sequencer, RecordsOfBeforeSayThemselvesWhetherTheyAreWithheld) {
  History h = two();
  h.change = [](LogRecord& r) {
    r.rules_version = kRulesWithBlocks - 1;
    r.sender_only = true;
  };
  EXPECT_TRUE(h.run(kBen, SendOp{}).event->sender_only);
  h.change = [](LogRecord& r) { r.sender_only = true; };
  EXPECT_FALSE(h.run(kBen, SendOp{}).event->sender_only);
}

TEST(Sequencer, TheClockOfASenderDecidesNothing) {
  History h = group();
  const std::int64_t now = 1'700'000'000'000;
  for (const char* id : {"00000000000070008000000000000001",     // of 1970
                         "ffffffffffff7000bfffffffffffffff",     // of the year 10,889
                         "0123456789abcdef0123456789abcdef"}) {  // of no time
    h.change = [id](LogRecord& r) { r.command_id = *MessageId::parse(id); };
    EXPECT_TRUE(h.run(kBen, SendOp{}, std::nullopt, now).placed) << id;
  }
  // Records of earlier versions are decided again as they were.
  h.change = [](LogRecord& r) {
    r.rules_version = 3;
    r.command_id = *MessageId::parse("00000000000070008000000000000001");
  };
  EXPECT_EQ(h.run(kBen, SendOp{}, std::nullopt, now).error->code, ErrorCode::kExpired);
}

TEST(Sequencer, AClockThatWasAheadIsNotWaitedFor) {
  constexpr std::int64_t kYear = 365LL * 24 * 3600 * 1000;
  History h = group();
  const std::int64_t now = 1'700'000'000'000;
  EXPECT_EQ(h.run(kBen, SendOp{}, std::nullopt, now + kYear).placed->server_ts_ms, now + kYear);
  EXPECT_EQ(h.run(kBen, SendOp{}, std::nullopt, now + kYear - 60'000).placed->server_ts_ms,
            now + kYear)
      << "a step that clocks make by themselves";
  EXPECT_EQ(h.run(kBen, SendOp{}, std::nullopt, now).placed->server_ts_ms, now);
  EXPECT_EQ(h.conversation.head.last_ts_ms, now);
  EXPECT_EQ(h.run(kBen, SendOp{}, std::nullopt, now + 1).placed->server_ts_ms, now + 1);
}

TEST(Sequencer, ReceiptsAreClampedAndNeverFall) {
  History h = group();
  h.run(kAnna, SendOp{});
  h.run(kBen, ReceiptOp{0, 99, 99, true});
  EXPECT_EQ(h.member(kBen).read_seq, 2u);
  EXPECT_EQ(h.member(kBen).delivered_seq, 2u);
  h.run(kBen, ReceiptOp{1, 1, 0, true});
  EXPECT_EQ(h.member(kBen).read_seq, 2u);
}

TEST(Sequencer, TicksThatMoveAreFoundAtTheNextSyncOfEverybody) {
  History h = group();
  h.run(kAnna, SendOp{});
  EXPECT_TRUE(h.run(kBen, ReceiptOp{2, 0, 0, true}).marks.empty()) << "one is still missing";
  const Outcome all = h.run(kCleo, ReceiptOp{2, 0, 0, true});
  EXPECT_EQ(h.conversation.head.delivered_all_seq, 2u);
  EXPECT_EQ(all.marks.size(), 3u);
}

TEST(Sequencer, APrivateReaderIsNotShownInADirectConversation) {
  History h;
  h.id = ConversationId::direct(kAnna, kBen);
  h.run(kAnna, CreateOp{ConversationType::kDirect, "", {kBen}});
  h.run(kAnna, SendOp{});
  const std::uint64_t before = h.conversation.head.read_all_seq;
  h.run(kBen, ReceiptOp{2, 2, 1, false});
  EXPECT_EQ(h.conversation.head.read_all_seq, before);
  EXPECT_EQ(h.conversation.head.delivered_all_seq, 2u);
}

}  // namespace
}  // namespace kith::server
