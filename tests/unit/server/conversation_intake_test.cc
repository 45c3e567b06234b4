// Commands while the store is behind: held in their order, let on as it writes, refused at a bound.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kith/core/limits.h"
#include "tests/unit/server/cache_fixture.h"

namespace kith::server {
namespace {

const UserId kAnna = UserId::of("anna");

class ConversationIntakeTest : public testing::CacheTest {
 protected:
  void SetUp() override { ASSERT_TRUE(cache.start()); }
  // The cheapest record; `answered` gets its number when it has its answer.
  void mark() { mark(cache); }
  void mark(ConversationShard& to) {
    LogRecord record;
    record.sender = kAnna;
    record.op = UserMarkOp{};
    to.append(std::move(record), [this, n = sent_++](const Result<Outcome>& outcome) {
      answered.push_back(n);
      if (!outcome) refusals.push_back(outcome.error());
    });
  }
  void marks(std::size_t count) {
    for (std::size_t n = 0; n < count; ++n) {
      mark();
      if (n % limits::journal_batch_max == 0) loop.settle();
    }
    loop.settle();
  }
  std::uint64_t held() {
    std::map<std::string, std::uint64_t> stats;
    cache.add_stats(stats);
    return stats.at("commands_held");
  }
  // Far enough for the first command to be held: the store takes `delay` for each batch from now on.
  void fill(Millis delay) {
    disk->apply_delay = [delay] { return delay; };
    marks(limits::apply_lag_soft);
    ASSERT_EQ(held(), 0U);
  }

  std::vector<std::size_t> answered;
  std::vector<Error> refusals;

 private:
  std::size_t sent_ = 0;
};

TEST_F(ConversationIntakeTest, WhatComesAboveTheMarkWaitsAndIsNotRefused) {
  fill(Millis(2'000));
  marks(10);
  EXPECT_EQ(held(), 10U);
  EXPECT_EQ(answered.size(), limits::apply_lag_soft);
  loop.advance(Millis(4'000));
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(answered.size(), limits::apply_lag_soft + 10);
  EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
  EXPECT_TRUE(refusals.empty());
}

// However often the store empties the queue before its look is due.
TEST_F(ConversationIntakeTest, LooksAfterWhatWaitsWithOneTimer) {
  fill(Millis(2'002));  // ends between two looks
  marks(10);
  while (held() > 0) loop.advance(Millis(1));
  disk->apply_delay = [] { return Millis(1'000'000); };
  marks(3 * limits::apply_lag_soft);
  ASSERT_GT(held(), 0U);
  EXPECT_EQ(loop.due_within(Millis(5)), 1U);
}

TEST_F(ConversationIntakeTest, AnswersOverloadedAtOnceWhenTooManyWait) {
  fill(Millis(1'000'000));
  marks(limits::commands_held_max + 1);
  EXPECT_LE(held(), limits::commands_held_max);
  ASSERT_FALSE(refusals.empty());
  EXPECT_EQ(refusals.front().code, ErrorCode::kOverloaded);
  EXPECT_GT(refusals.front().retry_after_ms, 0U);
  EXPECT_LE(cache.progress().apply_lag(), limits::apply_lag_max);
}

// In their order, and nothing that came later before them.
TEST_F(ConversationIntakeTest, RefusesAllThatWaitWhenTheStoreStands) {
  fill(Millis(1'000'000));
  marks(10);
  loop.advance(limits::command_held_limit + Millis(1'000));
  EXPECT_EQ(held(), 0U);
  EXPECT_EQ(refusals.size(), 10U);
  EXPECT_TRUE(std::is_sorted(answered.begin(), answered.end()));
  mark();
  EXPECT_EQ(refusals.size(), 11U);  // at once
}

// The commands that went on before them come again: nothing of the same sender may be placed meanwhile.
TEST_F(ConversationIntakeTest, RefusesAllThatWaitWhenTheLogRefusesWhatWentOn) {
  const LagMarks marks{8, 20, 40, 30};
  ConversationShard few(log, store, feed, loop, marks);
  ASSERT_TRUE(few.start());
  disk->apply_delay = [] { return Millis(2'000); };
  for (std::size_t n = 0; n < marks.soft + marks.held; ++n) mark(few);
  loop.settle();
  ASSERT_EQ(answered.size(), marks.soft);
  log_disk->commit_fault = [once = true]() mutable -> std::optional<Error> {
    if (!std::exchange(once, false)) return std::nullopt;
    return make_error(ErrorCode::kDiskFull, "once");
  };
  loop.advance(Millis(2'100));  // the store has a batch: some go on, not all
  EXPECT_EQ(answered.size(), marks.soft + marks.held);
  ASSERT_EQ(refusals.size(), marks.held);
  for (const Error& refusal : refusals) EXPECT_EQ(refusal.code, ErrorCode::kDiskFull);
}

TEST_F(ConversationIntakeTest, ManyRecordsThatChangeNothingAreToldToTheStoreToo) {
  LogRecord nowhere;
  nowhere.conversation = ConversationId::direct(kAnna, UserId::of("nobody"));
  nowhere.sender = kAnna;
  nowhere.op = ReceiptOp{};
  for (std::size_t n = 0; n < limits::apply_lag_soft; ++n) {
    cache.append(nowhere, [](const Result<Outcome>&) {});
    if (n % limits::journal_batch_max == 0) loop.settle();
  }
  loop.advance(Millis(2'000));
  EXPECT_LT(cache.progress().apply_lag(), limits::apply_lag_soft / 2);
}

}  // namespace
}  // namespace kith::server
