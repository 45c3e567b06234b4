// The table of costs, as in docs/protocol.md, "Limits".
#include "server/budget/request_cost.h"

#include <gtest/gtest.h>

#include "kith/v1/frame.pb.h"
#include "src/request_view.h"

namespace kith::server {
namespace {

TEST(RequestCostTest, GrowsWithWhatIsAsked) {
  v1::ClientFrame frame;
  for (int i = 0; i < 3'500; ++i)
    frame.mutable_create_conversation()->add_members("0123456789abcdef");
  EXPECT_EQ(cost_of(frame).units, 354U);
  EXPECT_EQ(cost_of(frame).unacked, 1U);
  for (int i = 0; i < 500; ++i) frame.mutable_update_contacts()->add_add("0123456789abcdef");
  EXPECT_EQ(cost_of(frame).units, 51U);
  EXPECT_EQ(cost_of(frame).lookups, 500U) << "the answer tells who exists";
  for (int i = 0; i < 128; ++i) frame.mutable_presence_subscribe()->add_add("0123456789abcdef");
  EXPECT_EQ(cost_of(frame).units, 13U);
  EXPECT_EQ(cost_of(frame).lookups, 128U);
  for (int i = 0; i < 98; ++i) frame.mutable_get_users()->add_handles("x");
  frame.mutable_get_users()->add_user_ids("0123456789abcdef");
  EXPECT_EQ(cost_of(frame).from, Spend::kQuery);
  EXPECT_EQ(cost_of(frame).lookups, 99U);
}

TEST(RequestCostTest, NothingIsFree) {
  v1::ClientFrame frame;
  EXPECT_GT(cost_of(frame).units, 0U);
  frame.mutable_ping();
  EXPECT_GT(cost_of(frame).units, 0U);
  frame.mutable_set_typing();
  EXPECT_GT(cost_of(frame).units, 0U);
  EXPECT_FALSE(cost_of(frame).answered);
  EXPECT_GT(cost_of_refusal(0), 0U);
  EXPECT_GT(cost_of_refusal(64 * 1024), 30U);
}

TEST(RequestCostTest, AViewCostsWhatItsFrameDoes) {
  v1::ClientFrame frame;
  for (int i = 0; i < 20; ++i) frame.mutable_ack_events()->add_upto()->set_seq(1);
  RequestView view;
  ASSERT_TRUE(view.read(frame));
  EXPECT_EQ(cost_of(view).from, Spend::kAck);
  EXPECT_EQ(cost_of(view).units, cost_of(frame).units);
  for (int i = 0; i < 3; ++i) frame.mutable_send()->add_items();
  ASSERT_TRUE(view.read(frame));
  EXPECT_EQ(cost_of(view).units, 3U);
  EXPECT_EQ(cost_of(view).unacked, cost_of(frame).unacked);
}

}  // namespace
}  // namespace kith::server
