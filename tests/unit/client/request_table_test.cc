// RequestTable: each request is answered once, whatever happens.
#include "client/request_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "tests/unit/client/virtual_time.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;

class RequestTableTest : public ::testing::Test {
 protected:
  Reply noted() {
    return [this](const v1::ServerFrame* frame, const Error& error) {
      answers.push_back(frame ? std::nullopt : std::optional(error.code));
    };
  }
  VirtualScheduler scheduler;
  int doubts = 0;
  std::unique_ptr<RequestTable> table =
      std::make_unique<RequestTable>(scheduler, [this] { ++doubts; });
  std::vector<std::optional<ErrorCode>> answers;  // empty: a frame
};

TEST_F(RequestTableTest, GivesAnAnswerToItsRequestOnce) {
  const auto id = table->next_id();
  table->add(id, noted(), 10s);
  EXPECT_TRUE(table->has(id));
  EXPECT_FALSE(table->has(id + 1));
  const v1::ServerFrame frame;
  EXPECT_TRUE(table->answer(id, &frame, {}));
  EXPECT_FALSE(table->answer(id, &frame, {}));
  scheduler.advance(1min);
  EXPECT_EQ(answers, (std::vector<std::optional<ErrorCode>>{std::nullopt}));
}

TEST_F(RequestTableTest, TimesOutAndDoubtsTheConnectionOnlyAfterTheWholeLimit) {
  table->add(table->next_id(), noted(), limits::request_limit - 1s);
  scheduler.advance(limits::request_limit);
  EXPECT_EQ(answers.size(), 1U);
  EXPECT_EQ(doubts, 0);
  table->add(table->next_id(), noted(), limits::request_limit);
  scheduler.advance(limits::request_limit);
  EXPECT_EQ(doubts, 1);
  EXPECT_EQ(answers, (std::vector<std::optional<ErrorCode>>(2, ErrorCode::kTimeout)));
}

TEST_F(RequestTableTest, RefusesAllAlsoThoseThatAReplyAdds) {
  const auto first = table->next_id();
  const auto second = table->next_id();
  table->add(
      first, [&](const v1::ServerFrame*, const Error&) { table->add(second, noted(), 10s); }, 10s);
  table->refuse_all(make_error(ErrorCode::kOffline, "lost"));
  EXPECT_EQ(answers, (std::vector<std::optional<ErrorCode>>{ErrorCode::kOffline}));
}

TEST_F(RequestTableTest, AnswersNobodyWhenItIsGone) {
  table->add(table->next_id(), noted(), 10s);
  table->refuse_later(noted(), make_error(ErrorCode::kOffline, "not connected"));
  table.reset();
  scheduler.advance(1min);
  EXPECT_TRUE(answers.empty());
}

TEST_F(RequestTableTest, RefusesLaterAndNotInsideTheCall) {
  table->refuse_later(noted(), make_error(ErrorCode::kOffline, "not connected"));
  EXPECT_TRUE(answers.empty());
  scheduler.settle();
  EXPECT_EQ(answers, (std::vector<std::optional<ErrorCode>>{ErrorCode::kOffline}));
}

}  // namespace
}  // namespace kith::client
