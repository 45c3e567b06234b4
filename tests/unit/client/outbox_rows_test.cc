// OutboxRows: each conversation's rows in their order, and no queue without rows.
#include "client/outbox_rows.h"

#include <gtest/gtest.h>

#include "kith/core/limits.h"

namespace kith::client {
namespace {

const ConversationId kRoom = ConversationId::direct(UserId::of("alice"), UserId::of("bob"));
const ConversationId kOther = ConversationId::direct(UserId::of("alice"), UserId::of("carol"));

OutboxRow row(const ConversationId& to, std::int64_t order) {
  OutboxRow r;
  r.conversation = to;
  r.order = order;
  std::array<std::uint8_t, MessageId::kSize> bytes{};
  bytes[0] = static_cast<std::uint8_t>(order);
  r.id = MessageId(bytes);
  return r;
}

class OutboxRowsTest : public ::testing::Test {
 protected:
  std::vector<ConversationId> emptied;
  OutboxRows rows{[this](const ConversationId& id) { emptied.push_back(id); }};
};

TEST_F(OutboxRowsTest, QueueGoesWithItsLastRow) {
  rows.add(row(kRoom, 1));
  rows.add(row(kRoom, 2));
  rows.add(row(kOther, 3));
  rows.forget({row(kRoom, 1).id});
  EXPECT_TRUE(emptied.empty());
  rows.forget({row(kRoom, 2).id, row(kRoom, 2).id});
  EXPECT_EQ(emptied, std::vector<ConversationId>{kRoom});
  EXPECT_FALSE(rows.has(kRoom));
  EXPECT_EQ(rows.queue(kRoom), nullptr);
  EXPECT_EQ(rows.count(), 1U);
  EXPECT_EQ(rows.room(), limits::outbox_messages_max - 1);
}

TEST_F(OutboxRowsTest, OrdersAscendAfterThoseThatWereLoaded) {
  rows.add(row(kRoom, 41));
  EXPECT_EQ(rows.next_order(), 42);
  EXPECT_EQ(rows.next_order(), 43);
}

TEST_F(OutboxRowsTest, SortsWhatCameLater) {
  rows.add(row(kRoom, 5));
  rows.add(row(kRoom, 2));
  rows.sort();
  EXPECT_EQ(rows.of(kRoom).front().order, 2);
  EXPECT_EQ(rows.newest(kRoom)->order, 5);
}

TEST_F(OutboxRowsTest, ACreationIsNoMessage) {
  OutboxRow create = row(kRoom, 1);
  create.kind = OutboxKind::kCreate;
  rows.add(create);
  EXPECT_EQ(rows.newest(kRoom), nullptr);
  EXPECT_EQ(rows.message(kRoom, create.id), nullptr);
  EXPECT_NE(rows.find(create.id), nullptr);
}

TEST_F(OutboxRowsTest, IsIdleWhenAllHaveFailed) {
  EXPECT_TRUE(rows.idle());
  rows.add(row(kRoom, 1));
  EXPECT_FALSE(rows.idle());
  rows.find(row(kRoom, 1).id)->failed = ErrorCode::kExpired;
  EXPECT_TRUE(rows.idle());
}

}  // namespace
}  // namespace kith::client
