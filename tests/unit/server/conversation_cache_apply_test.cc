// ConversationShard: decisions reach the store, in whatever order conversations load.
#include "server/conversation/conversation_shard.h"

#include <gtest/gtest.h>

#include "tests/unit/server/cache_fixture.h"

namespace kith::server {
namespace {

const UserId kAnna = UserId::of("anna");
const UserId kBen = UserId::of("ben");

class ConversationCacheApplyTest : public testing::CacheTest {
 protected:
  void append(const ConversationId& id, decltype(LogRecord::op) op) {
    LogRecord record;
    record.conversation = id;
    record.sender = kAnna;
    std::array<std::uint8_t, MessageId::kSize> bytes{};
    bytes[15] = ++commands_;
    record.command_id = MessageId(bytes);
    record.op = std::move(op);
    cache.append(std::move(record), [](const Result<Outcome>&) {});
  }

  const ConversationId warm = ConversationId::direct(kAnna, kBen);
  const ConversationId cold = ConversationId::direct(kAnna, UserId::of("cleo"));

 private:
  std::uint8_t commands_ = 0;
};

TEST_F(ConversationCacheApplyTest,
       ARecordThatWaitsForItsConversationHoldsNothingElseOutOfTheStore) {
  ASSERT_TRUE(cache.start());
  append(warm, CreateOp{ConversationType::kDirect, "", {kBen}});
  loop.settle();
  disk->read_delay = [] { return Millis(50); };
  append(cold, SendOp{});
  append(warm, SendOp{});
  loop.settle();
  append(warm, SendOp{});
  loop.advance(Millis(1'200));
  EXPECT_EQ(disk->applied, 4u);
  EXPECT_EQ(disk->events[warm].size(), 3u);
  EXPECT_EQ(disk->heads[warm].last_seq, 3u);
  EXPECT_FALSE(disk->heads.contains(cold)) << "a refused record leaves nothing";
}

TEST_F(ConversationCacheApplyTest, WhatTheLogHasIsDecidedBeforeStartReturnsHoweverSlowReadsAre) {
  ASSERT_TRUE(cache.start());
  append(warm, CreateOp{ConversationType::kDirect, "", {kBen}});
  loop.advance(Millis(1'200));
  ASSERT_EQ(disk->applied, 1u);
  append(warm, SendOp{});
  append(cold, CreateOp{ConversationType::kDirect, "", {UserId::of("cleo")}});
  append(cold, SendOp{});
  loop.settle();
  disk->read_delay = [] { return Millis(50); };
  ConversationStoreMemory other_store(disk, loop);
  ConversationShard other(log, other_store, feed, loop);
  ASSERT_TRUE(other.start());
  EXPECT_EQ(other.progress().decided(), 4u);
  ASSERT_NE(other.cached(warm), nullptr);
  EXPECT_EQ(other.cached(warm)->head.last_seq, 2u) << "goes on after what the store has";
  EXPECT_EQ(other.cached(cold)->head.last_seq, 2u);
}

// An owner may end between the rows of a batch and its position: what is decided again changes nothing then.
TEST_F(ConversationCacheApplyTest, ThePositionReachesTheEndOfTheReplayedLog) {
  ASSERT_TRUE(cache.start());
  cache.hold_log(true);
  append(warm, CreateOp{ConversationType::kDirect, "", {kBen}});
  append(warm, SendOp{});
  loop.advance(Millis(1'200));
  ASSERT_EQ(disk->applied, 2u);
  disk->applied = 0;
  ConversationStoreMemory other_store(disk, loop);
  ConversationShard other(log, other_store, feed, loop);
  ASSERT_TRUE(other.start());
  loop.advance(Millis(1'200));
  EXPECT_EQ(disk->applied, 2u);
  EXPECT_EQ(disk->heads[warm].last_seq, 2u);
}

TEST_F(ConversationCacheApplyTest, AStoreThatCannotBeReadAtStartSkipsNoRecord) {
  ASSERT_TRUE(cache.start());
  append(warm, CreateOp{ConversationType::kDirect, "", {kBen}});
  loop.advance(Millis(1'200));
  append(warm, SendOp{});
  loop.settle();
  ConversationStoreMemory other_store(disk, loop);
  ConversationShard other(log, other_store, feed, loop);
  int reads = 0;
  disk->read_fault = [&]() -> std::optional<Error> {
    if (++reads == 1 || reads > 3) return std::nullopt;  // not of what is asked first: applied()
    return make_error(ErrorCode::kIo, "disk");
  };
  ASSERT_TRUE(other.start());
  EXPECT_EQ(other.cached(warm), nullptr);
  loop.advance(Millis(150));
  ASSERT_NE(other.cached(warm), nullptr);
  EXPECT_EQ(other.cached(warm)->head.last_seq, 2u);
}

}  // namespace
}  // namespace kith::server
