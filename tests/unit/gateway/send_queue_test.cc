// The send queue's classes and bounds.
#include "server/gateway/send_queue.h"

#include <gtest/gtest.h>

#include "server/gateway/answers_waiting.h"

namespace kith::server {
namespace {

constexpr SendQueue::Bounds kBounds{1'000, 4'000};

Push frame(DeliveryClass cls, std::size_t size, std::uint8_t conversation = 0,
           std::uint64_t seq = 0) {
  Push push;
  push.frame = std::make_shared<const std::string>(size, static_cast<char>('a' + int(cls)));
  push.cls = cls;
  if (conversation != 0)
    push.conversation = ConversationId(std::array<std::uint8_t, 16>{conversation});
  push.last_seq = seq;
  push.ordinal = seq;
  return push;
}

TEST(SendQueue, GivesTheMoreUrgentClassFirstAndKeepsOrderWithinOne) {
  SendQueue queue(kBounds);
  queue.push(frame(DeliveryClass::kEphemeral, 1), 0);
  queue.push(frame(DeliveryClass::kEvent, 2), 0);
  queue.push(frame(DeliveryClass::kEvent, 3), 0);
  queue.push(frame(DeliveryClass::kReply, 4), 0);
  queue.push(frame(DeliveryClass::kControl, 5), 0);
  std::vector<std::size_t> sizes;
  while (const auto next = queue.pop()) sizes.push_back(next->size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{5, 4, 2, 3, 1}));
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueue, KeepsOrderInABacklogThatNeverRunsEmpty) {
  SendQueue queue({1'000'000, 4'000'000});
  std::size_t pushed = 0;
  std::size_t popped = 0;
  const auto push = [&] { queue.push(frame(DeliveryClass::kEvent, ++pushed), 0); };
  for (int i = 0; i < 50; ++i) push();
  for (int i = 0; i < 500; ++i) {
    if (i % 3 != 0) push();
    ASSERT_EQ(queue.pop()->size(), ++popped);
    if (pushed == popped) push();
  }
  while (const auto next = queue.pop()) ASSERT_EQ(next->size(), ++popped);
  EXPECT_EQ(popped, pushed);
  EXPECT_TRUE(queue.empty());
}

TEST(SendQueue, DropsEphemeralFramesAboveTheSoftLimit) {
  SendQueue queue(kBounds);
  queue.push(frame(DeliveryClass::kEphemeral, 100), 0);
  queue.push(frame(DeliveryClass::kEvent, 950, 1, 1), 0);
  EXPECT_EQ(queue.bytes(), 950U);
  queue.push(frame(DeliveryClass::kEphemeral, 100), 0);
  EXPECT_EQ(queue.bytes(), 950U);
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_FALSE(queue.lagging());
}

TEST(SendQueue, MergesReceiptsOfOneConversationAboveTheSoftLimit) {
  SendQueue queue(kBounds);
  queue.push(frame(DeliveryClass::kEvent, 990, 1, 1), 0);
  for (int i = 0; i < 50; ++i) queue.push(frame(DeliveryClass::kReceipt, 20, 1), 0);
  EXPECT_EQ(queue.bytes(), 1'010U);
}

// durable pushes are not queued beyond the limit, but replaced by where the conversation
// stands.
TEST(SendQueue, LaggingReplacesEventsByOneHeadPerConversation) {
  SendQueue queue(kBounds);
  for (std::uint64_t seq = 1; seq <= 1'000; ++seq) {
    queue.push(frame(DeliveryClass::kEvent, 100, 1 + seq % 2, seq), 7);
    ASSERT_LE(queue.bytes(), kBounds.hard_bytes);
  }
  EXPECT_TRUE(queue.lagging());
  EXPECT_EQ(queue.lagging_since_ms(), 7);
  queue.push(frame(DeliveryClass::kReply, 10), 7);
  EXPECT_EQ(queue.pop()->size(), 10U) << "answers still get through";
  const auto heads = queue.catch_up();
  ASSERT_EQ(heads.size(), 2U);
  EXPECT_EQ(heads[0].last_seq, 1'000U);
  EXPECT_EQ(heads[1].last_seq, 999U);
  EXPECT_FALSE(queue.lagging());
  EXPECT_TRUE(queue.take_resync());
  EXPECT_FALSE(queue.take_resync());
}

TEST(SendQueue, IsHopelessWhenAnswersAloneFillIt) {
  SendQueue queue(kBounds);
  for (int i = 0; i < 8; ++i) queue.push(frame(DeliveryClass::kReply, 1'000), 0);
  EXPECT_FALSE(queue.hopeless());
  queue.push(frame(DeliveryClass::kReply, 1'000), 0);
  EXPECT_TRUE(queue.hopeless());
}

TEST(SendQueue, CountsAnswersAndGivesAllUpAtTheEnd) {
  SendQueue queue(kBounds);
  queue.push(frame(DeliveryClass::kReply, 100), 0);
  queue.push(frame(DeliveryClass::kEvent, 300), 0);
  queue.push(frame(DeliveryClass::kReply, 50), 0);
  EXPECT_EQ(queue.answers(), 150U);
  queue.pop();
  EXPECT_EQ(queue.answers(), 50U);
  queue.clear();
  EXPECT_EQ(queue.answers(), 0U);
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_EQ(queue.dropped(), 2U);
  EXPECT_EQ(queue.pop(), nullptr);
}

// However many sessions an account has.
TEST(AnswersWaiting, AnAccountHasItsShare) {
  AnswersWaiting waiting;
  const UserId ann = UserId::of("ann"), bob = UserId::of("bob");
  waiting.count(ann, 0, AnswersWaiting::kOfOneMax / 2);
  waiting.count(ann, 0, AnswersWaiting::kOfOneMax / 2);
  EXPECT_FALSE(waiting.too_much(ann));
  waiting.count(ann, 0, 1);
  EXPECT_TRUE(waiting.too_much(ann));
  EXPECT_FALSE(waiting.too_much(bob));
  waiting.count(ann, AnswersWaiting::kOfOneMax / 2, 0);
  EXPECT_FALSE(waiting.too_much(ann));
}

TEST(AnswersWaiting, InACrowdEachHasLess) {
  AnswersWaiting waiting;
  for (std::size_t n = 0; waiting.all() <= AnswersWaiting::kMax; ++n)
    waiting.count(UserId::of(std::to_string(n)), 0, AnswersWaiting::kOfOneMax / 4);
  EXPECT_TRUE(waiting.too_much(UserId::of("0")));
  const UserId honest = UserId::of("honest");
  waiting.count(honest, 0, AnswersWaiting::kOfOneCrowded);
  EXPECT_FALSE(waiting.too_much(honest));
  for (std::size_t n = 0; waiting.all() > AnswersWaiting::kOfOneCrowded; ++n)
    waiting.count(UserId::of(std::to_string(n)), AnswersWaiting::kOfOneMax / 4, 0);
  EXPECT_EQ(waiting.all(), AnswersWaiting::kOfOneCrowded);
}

}  // namespace
}  // namespace kith::server
