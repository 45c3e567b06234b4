// acknowledge_by_hand: a message is delivered when the application says so.
#include "tests/unit/client/engine_fixture.h"

namespace kith::client {
namespace {

class AcknowledgeByHand : public EngineTest {
 protected:
  void SetUp() override {
    by_hand = true;
    EngineTest::SetUp();
  }
  // The newest seq that was acknowledged to the server since the last call; 0: none.
  std::uint64_t acknowledged() {
    scheduler.settle();
    std::uint64_t top = 0;
    while (!server.received.empty()) {
      const v1::ClientFrame frame = server.received.front();
      server.received.pop_front();
      for (const auto& head : frame.ack_events().upto()) top = std::max(top, head.seq());
    }
    return top;
  }
  std::vector<std::uint64_t> waiting() {
    std::vector<std::uint64_t> seqs;
    for (const Message& m : engine->history().unacknowledged()) seqs.push_back(m.seq.value);
    return seqs;
  }
};
using Seqs = std::vector<std::uint64_t>;

TEST_F(AcknowledgeByHand, TheServerHearsOfWhatTheApplicationHasDealtWith) {
  go_online({state(0)});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) push(event(seq));
  EXPECT_EQ(acknowledged(), 0u);
  EXPECT_EQ(waiting(), (Seqs{1, 2, 3}));
  ASSERT_TRUE(engine->history().acknowledge(room, Seq(2)).ok());
  EXPECT_EQ(acknowledged(), 2u);
  EXPECT_EQ(waiting(), Seqs{3});
  ASSERT_TRUE(engine->history().acknowledge(room, Seq(3)).ok());
  EXPECT_EQ(acknowledged(), 3u);
  EXPECT_TRUE(waiting().empty());
}

TEST_F(AcknowledgeByHand, WhatWasNotDealtWithIsThereAfterACrash) {
  go_online({state(0)});
  for (std::uint64_t seq = 1; seq <= 3; ++seq) push(event(seq));
  ASSERT_TRUE(engine->history().acknowledge(room, Seq(1)).ok());
  restart();
  EXPECT_EQ(waiting(), (Seqs{2, 3}));
  ASSERT_TRUE(engine->history().acknowledge(room, Seq(3)).ok());
  restart();
  EXPECT_TRUE(waiting().empty());
}

TEST_F(AcknowledgeByHand, OnesOwnMessagesWaitForNothing) {
  go_online({state(0)});
  push(event(1, "alice"));
  EXPECT_TRUE(waiting().empty());
  EXPECT_EQ(acknowledged(), 1u);
}

TEST_F(AcknowledgeByHand, WithoutItEverythingCounts) {
  go_online({state(0)});
  push(event(1));
  by_hand = false;
  restart();
  EXPECT_TRUE(waiting().empty());
  go_online({state(1)}, 2);
  push(event(2));
  EXPECT_EQ(acknowledged(), 2u);
  by_hand = true;
  restart();
  EXPECT_TRUE(waiting().empty());
}

}  // namespace
}  // namespace kith::client
