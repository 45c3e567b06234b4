// FeedStoreSuite: what every FeedStore must do. A factory opens the store again and again on the same data:
//   std::unique_ptr<FeedStore> open();
//   std::unique_ptr<FeedStore> open_nearly_full();  // after some batches one fails with kDiskFull
//   DrainedScheduler& scheduler();                  // the loop that callbacks come on
// open_nearly_full() may give null where a test cannot fill the engine: what it proves is skipped then.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/server/ports/feed_store.h"

namespace kith::server::conformance {

template <class Factory>
class FeedStoreSuite : public ::testing::Test {
 protected:
  using Versions = std::vector<FeedVersion>;

  const UserId ann_ = UserId::of("ann");
  const UserId bob_ = UserId::of("bob");

  static ConversationId room(std::uint8_t n) { return id_of<ConversationId>(n); }
  void open() { store_ = factory_.open(); }
  // False: this factory cannot.
  bool open_nearly_full() {
    store_ = factory_.open_nearly_full();
    return store_ != nullptr;
  }
  void reopen() {
    store_.reset();
    open();
  }
  Status apply(const FeedBatch& batch) {
    return answer_of<void>(factory_.scheduler(), [&](auto done) {
      store_->apply(std::make_shared<const FeedBatch>(batch), std::move(done));
    });
  }
  Status mark(const UserId& user, std::uint8_t n, FeedVersion ver, bool large = false) {
    FeedBatch batch;
    batch.entries = {{user, room(n), ver, large}};
    return apply(batch);
  }
  static Versions versions(const Result<std::vector<FeedEntry>>& feed) {
    Versions found;
    for (const FeedEntry& entry : feed.value()) found.push_back(entry.ver);
    return found;
  }
  Versions changed(const UserId& user, FeedVersion after, std::size_t limit) {
    return versions(answer_of<std::vector<FeedEntry>>(factory_.scheduler(), [&](auto done) {
      store_->changed(user, after, limit, std::move(done));
    }));
  }
  Versions list(const UserId& user, FeedVersion before, std::size_t limit) {
    return versions(answer_of<std::vector<FeedEntry>>(factory_.scheduler(), [&](auto done) {
      store_->list(user, before, limit, std::move(done));
    }));
  }
  std::vector<FeedEntry> large(const UserId& user) {
    return answer_of<std::vector<FeedEntry>>(
               factory_.scheduler(), [&](auto done) { store_->large(user, std::move(done)); })
        .value();
  }
  FeedVersion user_state(const UserId& user) {
    return answer_of<FeedVersion>(factory_.scheduler(),
                                  [&](auto done) { store_->user_state(user, std::move(done)); })
        .value();
  }

  Factory factory_;
  std::unique_ptr<FeedStore> store_;
};

TYPED_TEST_SUITE_P(FeedStoreSuite);

TYPED_TEST_P(FeedStoreSuite, StartsEmpty) {
  this->open();
  EXPECT_TRUE(this->changed(this->ann_, 0, 10).empty());
  EXPECT_TRUE(this->list(this->ann_, 0, 10).empty());
  EXPECT_TRUE(this->large(this->ann_).empty());
  EXPECT_EQ(this->user_state(this->ann_), 0u);
}

TYPED_TEST_P(FeedStoreSuite, EachBeginIsAboveAllEarlierOnes) {
  this->open();
  EXPECT_EQ(this->store_->begin().value(), 1u);
  EXPECT_EQ(this->store_->begin().value(), 2u);
  this->reopen();
  EXPECT_EQ(this->store_->begin().value(), 3u);
}

TYPED_TEST_P(FeedStoreSuite, ListsConversationsByTheirLastChange) {
  this->open();
  for (std::uint8_t n = 1; n <= 4; ++n) ASSERT_TRUE(this->mark(this->ann_, n, n * 2u).ok());
  const auto look = [this] {
    EXPECT_EQ(this->changed(this->ann_, 2, 2), (std::vector<FeedVersion>{4, 6}));
    EXPECT_EQ(this->changed(this->ann_, 0, 10), (std::vector<FeedVersion>{2, 4, 6, 8}));
    EXPECT_EQ(this->list(this->ann_, 0, 3), (std::vector<FeedVersion>{8, 6, 4}));
    EXPECT_EQ(this->list(this->ann_, 4, 3), (std::vector<FeedVersion>{2}));
    EXPECT_TRUE(this->changed(this->bob_, 0, 10).empty());
  };
  look();
  this->reopen();
  look();
  ASSERT_TRUE(this->mark(this->ann_, 1, 9).ok());
  EXPECT_EQ(this->changed(this->ann_, 0, 10), (std::vector<FeedVersion>{4, 6, 8, 9}))
      << "one entry a conversation, the last";
}

// As when a batch of unknown outcome is given again behind a newer one.
TYPED_TEST_P(FeedStoreSuite, VersionsNeverFall) {
  this->open();
  FeedBatch newer;
  newer.entries = {{this->ann_, this->room(1), 7, true}};
  newer.groups = {{this->room(1), 8}};
  newer.users = {{this->ann_, 9}};
  FeedBatch older;
  older.entries = {{this->ann_, this->room(1), 3, false}};
  older.groups = {{this->room(1), 4}};
  older.users = {{this->ann_, 5}};
  for (const FeedBatch& batch : {newer, older, newer}) {
    ASSERT_TRUE(this->apply(batch).ok());
    EXPECT_EQ(this->changed(this->ann_, 0, 10), (std::vector<FeedVersion>{7}));
    ASSERT_EQ(this->large(this->ann_).size(), 1u);
    EXPECT_EQ(this->large(this->ann_)[0].ver, 8u);
    EXPECT_EQ(this->user_state(this->ann_), 9u);
  }
  EXPECT_EQ(this->user_state(this->bob_), 0u);
}

TYPED_TEST_P(FeedStoreSuite, LargeGroupsComeWithTheirOwnVersion) {
  this->open();
  FeedBatch batch;
  batch.entries = {{this->ann_, this->room(1), 1, true},
                   {this->ann_, this->room(2), 2, false},
                   {this->ann_, this->room(3), 3, true},
                   {this->bob_, this->room(1), 1, true}};
  batch.groups = {{this->room(1), 5}};
  ASSERT_TRUE(this->apply(batch).ok());
  EXPECT_EQ(this->large(this->ann_),
            (std::vector<FeedEntry>{{this->room(1), 5}, {this->room(3), 0}}));
  ASSERT_TRUE(this->mark(this->bob_, 1, 6, false).ok());  // has left
  EXPECT_TRUE(this->large(this->bob_).empty());
  EXPECT_EQ(this->large(this->ann_).size(), 2u);
}

TYPED_TEST_P(FeedStoreSuite, ApplyAnswersLaterAndIsReadFromThenOn) {
  this->open();
  FeedBatch batch;
  batch.entries = {{this->ann_, this->room(1), 1, false}};
  std::optional<Status> answer;
  this->store_->apply(std::make_shared<const FeedBatch>(batch),
                      [&](Status status) { answer = std::move(status); });
  EXPECT_FALSE(answer.has_value()) << "inside the call";
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answer.has_value(); }));
  ASSERT_TRUE(answer->ok());
  EXPECT_EQ(this->changed(this->ann_, 0, 10), (std::vector<FeedVersion>{1}));
}

TYPED_TEST_P(FeedStoreSuite, NoCallbackComesAfterDestruction) {
  this->open();
  FeedBatch batch;
  batch.entries = {{this->ann_, this->room(1), 1, false}};
  std::size_t applied = 0;
  this->store_->apply(std::make_shared<const FeedBatch>(batch), [&](const Status&) { ++applied; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->store_, applied);
  this->open();
  std::size_t listed = 0;
  this->store_->list(this->ann_, 0, 10, [&](const Result<std::vector<FeedEntry>>&) { ++listed; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->store_, listed);
}

TYPED_TEST_P(FeedStoreSuite, AFailedBatchLeavesNothingAndIsNotOvertaken) {
  if (!this->open_nearly_full()) GTEST_SKIP() << "this factory fills no engine";
  std::optional<Error> failed;
  FeedVersion good = 0;
  // Batches in pairs: the second one is handed over before the first one's failure is known.
  for (FeedVersion ver = 1; !failed && ver < 10'000; ver += 2) {
    std::size_t answers = 0;
    for (const FeedVersion v : {ver, ver + 1}) {
      auto batch = std::make_shared<FeedBatch>();
      for (std::uint32_t n = 0; n < (v == ver ? 500u : 1u); ++n) {
        batch->entries.push_back({UserId::of("u" + std::to_string(v) + "-" + std::to_string(n)),
                                  this->room(1), v, false});
      }
      batch->users = {{this->ann_, v}};
      this->store_->apply(std::move(batch), [&, v](const Status& status) {
        ++answers;
        if (!status && !failed) failed = status.error();
        if (!status) return;
        EXPECT_FALSE(failed.has_value()) << "overtook a failed batch";
        good = v;
      });
    }
    ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answers == 2; }));
  }
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->code, ErrorCode::kDiskFull) << failed->to_string();
  this->reopen();
  EXPECT_EQ(this->user_state(this->ann_), good);
  EXPECT_TRUE(this->changed(UserId::of("u" + std::to_string(good + 1) + "-0"), 0, 10).empty());
}

REGISTER_TYPED_TEST_SUITE_P(FeedStoreSuite, StartsEmpty, EachBeginIsAboveAllEarlierOnes,
                            ListsConversationsByTheirLastChange, VersionsNeverFall,
                            LargeGroupsComeWithTheirOwnVersion,
                            ApplyAnswersLaterAndIsReadFromThenOn, NoCallbackComesAfterDestruction,
                            AFailedBatchLeavesNothingAndIsNotOvertaken);

}  // namespace kith::server::conformance
