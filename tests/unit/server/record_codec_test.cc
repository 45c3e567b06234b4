// Log records as bytes: every operation comes back whole, and no bytes of a damaged disk do harm.
#include "server/records/record_codec.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/ids.h"

namespace kith::server {
namespace {

template <class T>
T id_of(char first) {
  std::string bytes(16, '\x07');
  bytes[0] = first;
  return T(*T::from_bytes(bytes));
}

LogRecord whole() {
  LogRecord r;
  r.conversation = id_of<ConversationId>('c');
  r.command_id = id_of<MessageId>('m');
  r.sender = id_of<UserId>('u');
  r.sender_device = id_of<DeviceId>('d');
  r.attempt = 7;
  r.gateway_ts_ms = 1'700'000'000'123;
  r.rules_version = 3;
  r.sender_only = true;
  r.receipts_off = true;
  return r;
}

// The record as a disk keeps it.
LogRecord through(const LogRecord& record) {
  auto back = decode_record(encode_record(record));
  EXPECT_TRUE(back.ok());
  return back ? std::move(*back) : LogRecord{};
}

template <class Op>
Op through(Op op) {
  LogRecord r = whole();
  r.op = std::move(op);
  const LogRecord back = through(r);
  EXPECT_TRUE(std::holds_alternative<Op>(back.op));
  return std::holds_alternative<Op>(back.op) ? std::get<Op>(back.op) : Op{};
}

TEST(RecordCodec, WhoWhatAndWhenComeBackAndTheReplyTokenDoesNot) {
  LogRecord r = whole();
  r.origin_session = 99;
  r.tenure = {7, 0xfedc'ba98'7654'3210};
  r.op = UserMarkOp{};
  const LogRecord back = through(r);
  EXPECT_EQ(back.conversation, r.conversation);
  EXPECT_EQ(back.command_id, r.command_id);
  EXPECT_EQ(back.sender, r.sender);
  EXPECT_EQ(back.sender_device, r.sender_device);
  EXPECT_EQ(back.attempt, 7U);
  EXPECT_EQ(back.gateway_ts_ms, 1'700'000'000'123);
  EXPECT_EQ(back.rules_version, 3U);
  EXPECT_TRUE(back.sender_only);
  EXPECT_TRUE(back.receipts_off);
  EXPECT_EQ(back.origin_session, 0U);
  EXPECT_EQ(back.tenure, r.tenure);
  EXPECT_TRUE(std::holds_alternative<UserMarkOp>(back.op));
}

TEST(RecordCodec, EveryOperationComesBack) {
  const std::vector<UserId> users = {id_of<UserId>('a'), id_of<UserId>('b')};
  through(TakeOverOp{});
  EXPECT_TRUE(through(BlockOp{true}).on);
  EXPECT_FALSE(through(BlockOp{false}).on);
  const auto send = through(SendOp{std::string("\0\xff text", 7), 12, users, 1'600'000'000'001});
  EXPECT_EQ(send.body, std::string("\0\xff text", 7));
  EXPECT_EQ(send.reply_to_seq, 12U);
  EXPECT_EQ(send.mentions, users);
  EXPECT_EQ(send.client_ts_ms, 1'600'000'000'001);

  const auto create = through(CreateOp{ConversationType::kDirect, "naïve title", users, users});
  EXPECT_EQ(create.receipts_off, users);
  EXPECT_EQ(create.type, ConversationType::kDirect);
  EXPECT_EQ(create.title, "naïve title");
  EXPECT_EQ(create.members, users);

  for (const auto kind : {MemberChangeKind::kAdd, MemberChangeKind::kRemove,
                          MemberChangeKind::kLeave, MemberChangeKind::kSetRole}) {
    const auto change = through(MembershipOp{kind, users, MemberRole::kAdmin, users});
    EXPECT_EQ(change.receipts_off, users);
    EXPECT_EQ(change.kind, kind);
    EXPECT_EQ(change.users, users);
    EXPECT_EQ(change.role, MemberRole::kAdmin);
  }

  EXPECT_EQ(through(MetaOp{"another"}).title, "another");

  const auto receipt = through(ReceiptOp{5, 4, 3, false});
  EXPECT_EQ(receipt.delivered_seq, 5U);
  EXPECT_EQ(receipt.read_seq, 4U);
  EXPECT_EQ(receipt.read_ordinal, 3U);
  EXPECT_FALSE(receipt.publish_read);
}

TEST(RecordCodec, TimesBeforeTheEpochComeBack) {  // a device may claim any
  EXPECT_EQ(through(SendOp{"old", 0, {}, -1}).client_ts_ms, -1);
}

TEST(RecordCodec, WhatIsNoRecordIsRefused) {
  LogRecord r = whole();
  r.op = SendOp{"text", 0, {id_of<UserId>('a')}, 0};
  const std::string good = encode_record(r);
  EXPECT_EQ(decode_record("").error().code, ErrorCode::kCacheCorrupt);  // no operation
  EXPECT_FALSE(decode_record("\xff\xff\xff").ok());
  EXPECT_FALSE(decode_record(good + "\x0a").ok());
  std::string short_id = good;
  const std::size_t at = short_id.find(std::string(r.conversation.view()));
  ASSERT_NE(at, std::string::npos);
  short_id.erase(at + 1, 1);
  --short_id[at - 1];  // the length before it
  EXPECT_FALSE(decode_record(short_id).ok());
}

TEST(RecordCodec, DamagedBytesAreARecordOrAnError) {
  LogRecord r = whole();
  r.op = SendOp{"a text that is long enough to be hit", 3, {id_of<UserId>('a')}, 9};
  RecordPacker packer;
  for (int i = 0; i < 3; ++i) packer.add(r);
  const std::string row = packer.row();
  std::mt19937_64 random(1);
  std::size_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string damaged = row.substr(0, 1 + random() % row.size());
    for (std::uint64_t hits = random() % 4; hits > 0; --hits) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const auto records = unpack_records(damaged);
    refused += records.empty() ? 1 : 0;
    for (const auto record : records) {
      EXPECT_GE(record.data(), damaged.data());
      EXPECT_LE(record.data() + record.size(), damaged.data() + damaged.size());
      refused += decode_record(record) ? 0 : 1;
    }
  }
  EXPECT_GT(refused, 5'000U);
}

TEST(RecordPacker, ARowHoldsItsRecordsInTheirOrder) {
  RecordPacker packer;
  for (int round = 0; round < 2; ++round) {  // it is used again
    for (std::uint32_t i = 0; i < 100; ++i) {
      LogRecord r = whole();
      r.attempt = i;
      r.op = SendOp{std::string(std::size_t{i} * 10, 'x'), 0, {}, 0};
      packer.add(r);
    }
    const auto records = unpack_records(packer.row());
    ASSERT_EQ(records.size(), 100U);
    for (std::uint32_t i = 0; i < 100; ++i) {
      const auto back = decode_record(records[i]);
      ASSERT_TRUE(back.ok()) << i;
      EXPECT_EQ(back->attempt, i);
      EXPECT_EQ(std::get<SendOp>(back->op).body.size(), std::size_t{i} * 10);
    }
    packer.clear();
    EXPECT_TRUE(packer.row().empty());
  }
}

TEST(RecordPacker, ARecordAloneIsARowToo) {
  const std::string alone = encode_record(whole());
  const auto records = unpack_records(alone);
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records.front(), alone);
}

TEST(RecordPacker, ARowThatWasCutIsNoRow) {
  RecordPacker packer;
  for (int i = 0; i < 2; ++i) packer.add(whole());
  const std::string row = packer.row();
  const std::size_t boundary = 1 + (row.size() - 1) / 2;  // between the two: the first is whole
  for (std::size_t size = 2; size < row.size(); ++size) {
    EXPECT_EQ(unpack_records(row.substr(0, size)).size(), size == boundary ? 1U : 0U) << size;
  }
}

}  // namespace
}  // namespace kith::server
