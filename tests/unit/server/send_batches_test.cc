// A batch on its way is answered once, and its memory is used again when nobody comes back to it.
#include "server/commands/send_batches.h"

#include <gtest/gtest.h>

#include "kith/v1/frame.pb.h"
#include "src/request_view.h"

namespace kith::server {
namespace {

class SendBatchesTest : public ::testing::Test {
 protected:
  SendBatchesTest() {
    frame.mutable_send()->set_conversation_id(std::string(16, 'c'));
    for (const char id : {'a', 'b'}) {
      auto* item = frame.mutable_send()->add_items();
      item->set_message_id(std::string(16, id));
      item->set_content(std::string(100, id));
      item->set_attempt(2);
      item->add_mentions(std::string(16, 'm'));
    }
    request.read(frame);
  }
  SendBatches::Batch& begin() {
    return batches.begin(Caller{}, request, [this](v1::ServerFrame&& answer) {
      answers.push_back(std::move(answer));
    });
  }
  v1::ClientFrame frame;
  RequestView request;
  SendBatches batches;
  std::vector<v1::ServerFrame> answers;
};

TEST_F(SendBatchesTest, KeepsWhatWasAskedAndAnswersAsTheGeneratedCodeWould) {
  SendBatches::Batch& batch = begin();
  const SendBatches::Hold hold(batches, batch);
  EXPECT_EQ(batch.items[1].op.body, std::string(100, 'b'));
  EXPECT_EQ(batch.items[1].attempt, 2u);
  EXPECT_EQ(batch.items[0].op.mentions.size(), 1u);
  batch.refuse_item(1, make_error(ErrorCode::kNotMember, "no"));
  EXPECT_TRUE(answers.empty());
  batch.place_item(0, {7, 300, 1'800'000'000'000, 9}, true);
  ASSERT_EQ(answers.size(), 1u);
  v1::ServerFrame expected;
  auto& result = *expected.mutable_send_result();
  result.set_conversation_id(std::string(16, 'c'));
  auto* first = result.add_items();
  first->set_message_id(std::string(16, 'a'));
  first->mutable_placed()->set_seq(7);
  first->mutable_placed()->set_ordinal(300);
  first->mutable_placed()->set_server_ts_ms(1'800'000'000'000);
  first->mutable_placed()->set_duplicate(true);
  auto* second = result.add_items();
  second->set_message_id(std::string(16, 'b'));
  second->mutable_error()->set_code(v1::ERROR_CODE_NOT_MEMBER);
  second->mutable_error()->set_detail("no");
  EXPECT_EQ(answers[0].SerializeAsString(), expected.SerializeAsString());
}

TEST_F(SendBatchesTest, APlaceIsUsedAgainWhenTheLastHoldIsGone) {
  SendBatches::Batch& batch = begin();
  const std::uint32_t place = batch.place;
  ++batch.holds;
  { const SendBatches::Hold one(batches, batch); }
  EXPECT_NE(begin().place, place);
  { const SendBatches::Hold other(batches, batch); }
  SendBatches::Batch& next = begin();
  EXPECT_EQ(next.place, place);
  EXPECT_EQ(&next, &batch);
  EXPECT_EQ(next.items.size(), 2u);
  EXPECT_EQ(next.waiting, 2u);
  EXPECT_FALSE(next.items[0].error);
}

TEST_F(SendBatchesTest, MemoryOfAGreatManyIsGivenBack) {
  std::vector<std::uint32_t> places;
  for (int i = 0; i < 3'000; ++i) places.push_back(begin().place);
  for (const std::uint32_t place : places) {
    const SendBatches::Hold last(batches, batches.at(place));
  }
  for (int i = 0; i < 3'000; ++i) EXPECT_LT(begin().place, 3'000u);
}

}  // namespace
}  // namespace kith::server
