// CommandLogSuite tests that a CommandLog keeps its contract. A factory opens the log again and again on the same data:
//   std::unique_ptr<CommandLog> open();
//   std::unique_ptr<CommandLog> open_nearly_full();  // after some records a commit fails with kDiskFull
//   DrainedScheduler& scheduler();                   // the loop on which callbacks run
// open_nearly_full() may return null if a test cannot fill the engine; its cases are then skipped.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/core/limits.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/record_codec.h"

namespace kith::server::conformance {

inline LogRecord record_of(std::uint64_t number, std::size_t body_size = 10) {
  LogRecord record;
  record.conversation = ConversationId::direct(UserId::of("a"), UserId::of("b"));
  record.command_id = id_of<MessageId>(7);
  record.sender = UserId::of("a");
  record.sender_device = id_of<DeviceId>(9);
  record.gateway_ts_ms = static_cast<std::int64_t>(number);
  record.origin_session = 77;
  SendOp op;
  op.body = std::string(body_size, 'x');
  op.mentions = {UserId::of("b")};
  record.op = std::move(op);
  return record;
}

// Returns a record of each kind, with a value in every field.
inline std::vector<LogRecord> records_of_every_kind() {
  const std::vector<UserId> users{UserId::of("b"), UserId::of("c")};
  std::vector<LogRecord> all(7, record_of(1));
  SendOp send;
  send.body = std::string("\0 bytes \xff", 9);
  send.reply_to_seq = 3;
  send.mentions = users;
  send.client_ts_ms = -5;
  all[0].op = send;
  all[1].op = CreateOp{ConversationType::kGroup, "title", users, {users[1]}};
  all[2].op = MembershipOp{MemberChangeKind::kSetRole, users, MemberRole::kAdmin, {users[0]}};
  all[3].op = MetaOp{"another title"};
  all[4].op = ReceiptOp{9, 8, 7, false};
  all[5].op = UserMarkOp{};
  all[6].op = BlockOp{true};
  for (std::size_t i = 0; i < all.size(); ++i) {
    all[i].command_id = id_of<MessageId>(static_cast<std::uint8_t>(i + 1));
    all[i].attempt = 2;
    all[i].sender_only = i % 2 == 0;
    all[i].receipts_off = i % 2 == 1;
  }
  return all;
}

template <class Factory>
class CommandLogSuite : public testing::Test {
 protected:
  void open() { log_ = factory_.open(); }
  // Returns false if this factory cannot.
  bool open_nearly_full() {
    log_ = factory_.open_nearly_full();
    return log_ != nullptr;
  }
  void reopen() {
    log_.reset();
    open();
  }
  Result<LogEntry> append(std::uint64_t number) {
    return answer_of<LogEntry>(
        factory_.scheduler(), [&](auto done) { log_->append(record_of(number), std::move(done)); });
  }
  std::vector<std::uint64_t> numbers(Position after = 0, std::size_t limit = 1'000'000) {
    std::vector<std::uint64_t> found;
    const auto entries = log_->read(after, limit);
    if (!entries) {
      ADD_FAILURE() << entries.error().to_string();
      return found;
    }
    Position previous = after;
    for (const LogEntry& entry : *entries) {
      EXPECT_GT(entry.position, previous);
      previous = entry.position;
      found.push_back(static_cast<std::uint64_t>(entry.record.gateway_ts_ms));
    }
    return found;
  }

  Factory factory_;
  std::unique_ptr<CommandLog> log_;
};

TYPED_TEST_SUITE_P(CommandLogSuite);

TYPED_TEST_P(CommandLogSuite, StartsEmpty) {
  this->open();
  EXPECT_EQ(this->log_->last(), 0u);
  EXPECT_EQ(this->log_->pending(), 0u);
  EXPECT_TRUE(this->numbers().empty());
}

TYPED_TEST_P(CommandLogSuite, CommitsInAppendOrderNeverInsideAppend) {
  this->open();
  std::vector<Position> positions;
  std::vector<std::int64_t> numbers;
  constexpr std::size_t kCount = limits::journal_batch_max + 100;  // more than one commit
  for (std::size_t i = 0; i < kCount; ++i) {
    this->log_->append(record_of(i), [&](Result<LogEntry> entry) {
      ASSERT_TRUE(entry.ok());
      positions.push_back(entry->position);
      numbers.push_back(entry->record.gateway_ts_ms);
      EXPECT_EQ(entry->record.origin_session, 77u);
    });
    EXPECT_TRUE(positions.empty());
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return positions.size() == kCount; }));
  for (std::size_t i = 0; i < kCount; ++i) {
    ASSERT_EQ(positions[i], i + 1);
    ASSERT_EQ(numbers[i], static_cast<std::int64_t>(i));
  }
  EXPECT_EQ(this->log_->last(), kCount);
  EXPECT_EQ(this->log_->pending(), 0u);
}

TYPED_TEST_P(CommandLogSuite, KeepsCommittedRecordsAcrossReopening) {
  this->open();
  for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(this->append(i).ok());
  this->reopen();
  EXPECT_EQ(this->log_->last(), 5u);
  const auto entries = this->log_->read(0, 10);
  ASSERT_TRUE(entries.ok());
  ASSERT_EQ(entries->size(), 5u);
  const LogRecord& first = entries->front().record;
  EXPECT_EQ(first.command_id, record_of(1).command_id);
  EXPECT_EQ(first.sender, record_of(1).sender);
  EXPECT_EQ(first.conversation, record_of(1).conversation);
  EXPECT_EQ(std::get<SendOp>(first.op).mentions, std::get<SendOp>(record_of(1).op).mentions);
  EXPECT_EQ(first.origin_session, 0u);  // its session is of an earlier life
  const auto next = this->append(6);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->position, 6u);
}

TYPED_TEST_P(CommandLogSuite, EveryKindOfRecordComesBackAsItWas) {
  this->open();
  const std::vector<LogRecord> records = records_of_every_kind();
  for (const LogRecord& record : records) {
    const auto entry = answer_of<LogEntry>(this->factory_.scheduler(), [&](auto done) {
      this->log_->append(record, std::move(done));
    });
    ASSERT_TRUE(entry.ok());
    EXPECT_EQ(encode_record(entry->record), encode_record(record));
    EXPECT_EQ(entry->record.origin_session, record.origin_session);
  }
  this->reopen();
  const auto read = this->log_->read(0, 100);
  ASSERT_TRUE(read.ok());
  ASSERT_EQ(read->size(), records.size());
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ((*read)[i].position, i + 1);
    EXPECT_EQ((*read)[i].record.op.index(), records[i].op.index());
    EXPECT_EQ(encode_record((*read)[i].record), encode_record(records[i])) << i;
  }
}

TYPED_TEST_P(CommandLogSuite, ReadsAfterAPositionUpToALimit) {
  this->open();
  for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(this->append(i).ok());
  EXPECT_EQ(this->numbers(2, 2), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_EQ(this->numbers(4), (std::vector<std::uint64_t>{5}));
  EXPECT_TRUE(this->numbers(5).empty());
}

TYPED_TEST_P(CommandLogSuite, PositionsSurviveTrim) {
  this->open();
  for (std::uint64_t i = 1; i <= 5; ++i) ASSERT_TRUE(this->append(i).ok());
  this->log_->trim(3);
  EXPECT_EQ(this->numbers(3), (std::vector<std::uint64_t>{4, 5}));
  this->log_->trim(5);
  ASSERT_TRUE(this->append(6).ok());
  this->reopen();
  EXPECT_EQ(this->log_->last(), 6u);
  this->log_->trim(6);
  this->reopen();
  EXPECT_EQ(this->log_->last(), 6u);
  const auto next = this->append(7);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->position, 7u);
  EXPECT_EQ(this->numbers(6), (std::vector<std::uint64_t>{7}));
}

TYPED_TEST_P(CommandLogSuite, TrimsBetweenRecordsThatWereCommittedTogether) {
  this->open();
  constexpr std::uint64_t kCount = 2'000;
  std::uint64_t committed = 0;
  for (std::uint64_t i = 1; i <= kCount; ++i) {
    this->log_->append(record_of(i), [&](Result<LogEntry> entry) { committed += entry.ok(); });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return committed == kCount; }));
  for (const Position upto : {1, 700, 1'999}) {
    this->log_->trim(upto);
    this->reopen();
    EXPECT_EQ(this->log_->last(), kCount);
    const auto kept = this->numbers(upto);
    ASSERT_EQ(kept.size(), kCount - upto);
    EXPECT_EQ(kept.front(), upto + 1);
    EXPECT_EQ(this->numbers(upto + 1, 1),
              upto + 1 == kCount ? std::vector<std::uint64_t>{} : std::vector{upto + 2});
  }
  this->log_->trim(kCount);
  this->reopen();
  EXPECT_EQ(this->log_->last(), kCount);
  EXPECT_TRUE(this->numbers(kCount).empty());
  const auto next = this->append(kCount + 1);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->position, kCount + 1);
}

TYPED_TEST_P(CommandLogSuite, RefusesAboveTheBoundWithOverloaded) {
  this->open();
  std::size_t answered = 0;
  std::size_t accepted = 0;
  std::size_t overloaded = 0;
  // Appends twice the bound: pending() never exceeds it, whatever is committed meanwhile.
  constexpr std::size_t kCount = 2 * limits::journal_pending_max;
  for (std::size_t i = 0; i < kCount; ++i) {
    this->log_->append(record_of(i), [&](Result<LogEntry> entry) {
      ++answered;
      if (entry) ++accepted;
      if (!entry && entry.error().code == ErrorCode::kOverloaded) ++overloaded;
    });
    ASSERT_LE(this->log_->pending(), limits::journal_pending_max);
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answered == kCount; }));
  EXPECT_EQ(accepted + overloaded, kCount);
  EXPECT_GE(accepted, limits::journal_pending_max);
  EXPECT_EQ(this->log_->last(), accepted);
  EXPECT_EQ(this->log_->pending(), 0u);
  EXPECT_TRUE(this->append(1).ok()) << "everything was told: it takes records again";
}

TYPED_TEST_P(CommandLogSuite, KeepsABoundedNumberOfRefusals) {
  if (!this->open_nearly_full()) GTEST_SKIP() << "this factory fills no engine";
  constexpr std::size_t kFull = 1'000;  // more than fit; later records are rejected with them
  std::size_t answered = 0;
  std::size_t appended = 0;
  std::size_t accepted = 0;
  while (answered == 0 && appended < 10 * limits::journal_pending_max) {
    ++appended;
    this->log_->append(record_of(appended, appended < kFull ? 4'000 : 10),
                       [&](Result<LogEntry> entry) {
                         ++answered;
                         accepted += entry.ok();
                       });
  }
  EXPECT_EQ(answered, 1u) << "none was refused inside the call";
  EXPECT_EQ(accepted, 0u);
  EXPECT_GT(appended, limits::journal_refused_max);
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answered == appended; }));
  this->reopen();
  EXPECT_TRUE(this->append(1).ok()) << "everything was told: it takes records again";
}

TYPED_TEST_P(CommandLogSuite, AFailedCommitIsNeverSeenAndItsPositionIsUsedAgain) {
  if (!this->open_nearly_full()) GTEST_SKIP() << "this factory fills no engine";
  std::vector<std::uint64_t> kept;
  std::optional<Error> failed;
  for (std::uint64_t i = 1; i <= 10'000 && !failed; ++i) {
    const auto entry = answer_of<LogEntry>(this->factory_.scheduler(), [&](auto done) {
      this->log_->append(record_of(i, 4'000), std::move(done));
    });
    if (entry) {
      kept.push_back(i);
      ASSERT_EQ(entry->position, kept.size());
    } else {
      failed = entry.error();
    }
  }
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->code, ErrorCode::kDiskFull);
  EXPECT_EQ(this->log_->last(), kept.size());
  EXPECT_EQ(this->numbers(), kept);
  this->reopen();
  EXPECT_EQ(this->numbers(), kept);
  const auto next = this->append(99'999);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(next->position, kept.size() + 1);
}

// The last, small record would fit; but it was appended before the callbacks of the rejected ones ran.
TYPED_TEST_P(CommandLogSuite, NothingOvertakesARefusedRecord) {
  if (!this->open_nearly_full()) GTEST_SKIP() << "this factory fills no engine";
  constexpr std::size_t kCount = limits::journal_batch_max + 2'000;
  std::vector<bool> accepted;
  for (std::size_t i = 0; i < kCount; ++i) {
    this->log_->append(record_of(i, i + 1 == kCount ? 1 : 4'000),
                       [&](Result<LogEntry> entry) { accepted.push_back(entry.ok()); });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return accepted.size() == kCount; }));
  EXPECT_FALSE(accepted.back());
  EXPECT_TRUE(std::is_partitioned(accepted.begin(), accepted.end(), [](bool ok) { return ok; }));
}

TYPED_TEST_P(CommandLogSuite, NoCallbackComesAfterDestruction) {
  this->open();
  std::size_t answered = 0;
  this->log_->append(record_of(1), [&](const Result<LogEntry>&) { ++answered; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->log_, answered);
  this->open();
  EXPECT_LE(this->log_->last(), 1u) << "it is there or not";
  const auto next = this->append(2);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(this->log_->last(), next->position);
}

REGISTER_TYPED_TEST_SUITE_P(CommandLogSuite, StartsEmpty, CommitsInAppendOrderNeverInsideAppend,
                            KeepsCommittedRecordsAcrossReopening, EveryKindOfRecordComesBackAsItWas,
                            ReadsAfterAPositionUpToALimit, PositionsSurviveTrim,
                            TrimsBetweenRecordsThatWereCommittedTogether,
                            RefusesAboveTheBoundWithOverloaded, KeepsABoundedNumberOfRefusals,
                            AFailedCommitIsNeverSeenAndItsPositionIsUsedAgain,
                            NothingOvertakesARefusedRecord, NoCallbackComesAfterDestruction);

}  // namespace kith::server::conformance
