// SearchIndexSuite tests that a SearchIndex keeps its contract. A factory opens the index again and again on the same
// data:
//   std::unique_ptr<SearchIndex> open();
//   std::unique_ptr<SearchIndex> open_nearly_full();  // after some batches one fails with kDiskFull
//   DrainedScheduler& scheduler();                    // the loop on which callbacks run
// open_nearly_full() may return null if a test cannot fill the engine; its cases are then skipped.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "kith/conformance/drained_scheduler.h"
#include "kith/server/ports/search_index.h"

namespace kith::server::conformance {

template <class Factory>
class SearchIndexSuite : public testing::Test {
 protected:
  const ConversationId room_ = id_of<ConversationId>(1);
  const ConversationId other_ = id_of<ConversationId>(2);
  const ConversationId unknown_ = id_of<ConversationId>(3);

  void open() { index_ = factory_.open(); }
  // Returns false if this factory cannot.
  bool open_nearly_full() {
    index_ = factory_.open_nearly_full();
    return index_ != nullptr;
  }
  void reopen() {
    index_.reset();
    open();
  }
  Status add(const IndexBatch& batch) {
    return answer_of<void>(factory_.scheduler(), [&](auto done) {
      index_->add(std::make_shared<const IndexBatch>(batch), std::move(done));
    });
  }
  Status begin_anew() {
    return answer_of<void>(factory_.scheduler(),
                           [&](auto done) { index_->begin_anew(std::move(done)); });
  }
  Status add(const std::vector<IndexedMessage>& messages) {
    IndexBatch batch{messages, {}, 0};
    for (const auto& m : messages) batch.marks.emplace_back(m.conversation, m.seq);
    return add(batch);
  }
  Result<std::vector<IndexHit>> try_find(const IndexQuery& query) {
    return answer_of<std::vector<IndexHit>>(
        factory_.scheduler(), [&](auto done) { index_->find(query, std::move(done)); });
  }
  std::vector<std::uint64_t> find(const std::string& text, std::uint64_t before = 0,
                                  std::size_t limit = 100) {
    return find_in({{room_, 1, 0}, {other_, 1, 0}}, text, before, limit);
  }
  std::vector<std::uint64_t> find_in(std::vector<IndexScope> scopes, const std::string& text,
                                     std::uint64_t before = 0, std::size_t limit = 100) {
    std::vector<std::uint64_t> places;
    const auto hits = try_find({text, UserId(), std::move(scopes), before, limit, Millis(0)});
    EXPECT_TRUE(hits.ok()) << text;
    if (hits) {
      for (const IndexHit& hit : *hits) places.push_back(hit.place);
    }
    return places;
  }
  std::vector<std::uint64_t> marks(const std::vector<ConversationId>& ids) {
    return answer_of<std::vector<std::uint64_t>>(
               factory_.scheduler(), [&](auto done) { index_->marks(ids, std::move(done)); })
        .value();
  }

  Factory factory_;
  std::unique_ptr<SearchIndex> index_;
};

using Places = std::vector<std::uint64_t>;

TYPED_TEST_SUITE_P(SearchIndexSuite);

TYPED_TEST_P(SearchIndexSuite, StartsEmpty) {
  this->open();
  EXPECT_EQ(this->index_->complete(0).value(), 0u);
  EXPECT_TRUE(this->find("lunch").empty());
  EXPECT_EQ(this->marks({this->room_, this->other_}), (std::vector<std::uint64_t>{0, 0}));
}

TYPED_TEST_P(SearchIndexSuite, KeepsWhatWasAdded) {
  this->open();
  IndexBatch batch{{{this->room_, 4, 10, "Lunch at noon"}}, {{this->room_, 5}}, 12};
  ASSERT_TRUE(this->add(batch).ok());
  this->reopen();
  EXPECT_EQ(this->index_->complete(0).value(), 12u);
  EXPECT_EQ(this->marks({this->other_, this->room_}), (std::vector<std::uint64_t>{0, 5}));
  const auto hits =
      this->try_find({"lunch", UserId(), {{this->room_, 1, 0}}, 0, 10, Millis(1'000)}).value();
  EXPECT_EQ(hits, (std::vector<IndexHit>{{this->room_, 4, 10}}));
}

TYPED_TEST_P(SearchIndexSuite, NewestFirstAcrossConversations) {
  this->open();
  ASSERT_TRUE(this->add({{this->room_, 1, 1, "tea"}, {this->other_, 1, 2, "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->room_, 2, 4, "tea"}, {this->other_, 2, 3, "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->other_, 3, 7, "coffee"}, {this->room_, 3, 6, "tea"}}).ok());
  EXPECT_EQ(this->find("tea"), (Places{6, 4, 3, 2, 1}));
  EXPECT_EQ(this->find("tea", 0, 2), (Places{6, 4}));
  EXPECT_EQ(this->find("tea", 4, 2), (Places{3, 2}));
  EXPECT_EQ(this->find("tea", 2, 2), (Places{1}));
  EXPECT_TRUE(this->find("tea", 1).empty());
  EXPECT_TRUE(this->find("tea", 0, 0).empty());
}

TYPED_TEST_P(SearchIndexSuite, OnlyWhatIsInScope) {
  this->open();
  std::vector<IndexedMessage> messages;
  for (std::uint64_t n = 1; n <= 5; ++n) {
    messages.push_back({this->room_, n, 2 * n, "tea"});
    messages.push_back({this->other_, n, 2 * n + 1, "tea"});
  }
  ASSERT_TRUE(this->add(messages).ok());
  EXPECT_EQ(this->find_in({{this->room_, 2, 4}}, "tea"), (Places{8, 6, 4}));
  EXPECT_EQ(this->find_in({{this->room_, 5, 0}, {this->other_, 1, 1}}, "tea"), (Places{10, 3}));
  EXPECT_EQ(this->find_in({{this->room_, 2, 4}}, "tea", 8, 1), (Places{6}));
  EXPECT_TRUE(this->find_in({{this->room_, 2, 1}}, "tea").empty());
  EXPECT_TRUE(this->find_in({{this->unknown_, 1, 0}}, "tea").empty());
  EXPECT_TRUE(this->find_in({}, "tea").empty());
}

TYPED_TEST_P(SearchIndexSuite, WhatIsWithheldIsFoundByItsOwnReaderAlone) {
  this->open();
  const UserId ann = UserId::of("ann");
  ASSERT_TRUE(this->add({{this->room_, 1, 1, "tea"}, {this->room_, 2, 2, "tea", ann}}).ok());
  const auto found = [&](const UserId& reader) {
    IndexQuery query{"tea", reader, {{this->room_, 1, 0}}, 0, 10, Millis(0)};
    return this->try_find(query).value().size();
  };
  EXPECT_EQ(found(ann), 2u);
  EXPECT_EQ(found(UserId::of("bob")), 1u);
  EXPECT_EQ(found(UserId()), 1u);
}

//
TYPED_TEST_P(SearchIndexSuite, UnderstandsWordsAsTheProtocolSays) {
  this->open();
  ASSERT_TRUE(this->add({{this->room_, 1, 1, "Grüße aus dem CAFÉ, don't worry"},
                         {this->room_, 2, 2, "部署今天完成 ok"},
                         {this->room_, 3, 3, "the quick brown fox"},
                         {this->room_, 4, 4, "C++ and v1.2 🎉"},
                         {this->room_, 5, 5, "Smørrebrød für Łukasz, أحمد و שלום"}})
                  .ok());
  for (const char* found : {"cafe", "café", "grusse", "GRÜSSE caf", "don't", "\"don't worry\""}) {
    EXPECT_EQ(this->find(found), (Places{1})) << found;
  }
  for (const char* found : {"部", "成", "今天", "部署 完成", "署今天完", "ok 今"}) {
    EXPECT_EQ(this->find(found), (Places{2})) << found;
  }
  for (const char* found : {"quick fox", "fox qui", "\"quick brown\"", "bro"}) {
    EXPECT_EQ(this->find(found), (Places{3})) << found;
  }
  for (const char* found : {"C++", "v1.2", "🎉", "c v1"}) {
    EXPECT_EQ(this->find(found), (Places{4})) << found;
  }
  for (const char* found :
       {"smorrebrod", "LUKASZ", "احمد", "שלומ", "“smørrebrød fur”", "«fur lukasz»"}) {
    EXPECT_EQ(this->find(found), (Places{5})) << found;
  }
  for (const char* absent : {"qui fox", "\"quick fox\"", "\"quick bro\"", "天今", "ab", "AND OR"}) {
    EXPECT_TRUE(this->find(absent).empty()) << absent;
  }
}

TYPED_TEST_P(SearchIndexSuite, WhatIsNoQueryIsATypedError) {
  this->open();
  const auto code = [&](const std::string& text) {
    return this->try_find({text, UserId(), {{this->room_, 1, 0}}, 0, 10, Millis(0)}).error().code;
  };
  EXPECT_EQ(code(""), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(" \"* - "), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(std::string(1'000, 'a')), ErrorCode::kTooLarge);
}

TYPED_TEST_P(SearchIndexSuite, WhatIsThereAlreadyIsIgnored) {
  this->open();
  const std::vector<IndexedMessage> first{{this->room_, 1, 1, "tea"}, {this->room_, 2, 2, "tea"}};
  ASSERT_TRUE(this->add(first).ok());
  ASSERT_TRUE(this->add(first).ok());
  ASSERT_TRUE(this->add({{this->room_, 2, 2, "coffee"}, {this->room_, 3, 3, "tea"}}).ok());
  EXPECT_EQ(this->find("tea"), (Places{3, 2, 1}));
  EXPECT_TRUE(this->find("coffee").empty());
  // A mark never falls.
  ASSERT_TRUE(this->add(IndexBatch{{}, {{this->room_, 1}}, 0}).ok());
  EXPECT_EQ(this->marks({this->room_}), (std::vector<std::uint64_t>{3}));
}

TYPED_TEST_P(SearchIndexSuite, WhatABatchHasTwiceChangesNothing) {
  this->open();
  const IndexedMessage tea{this->room_, 1, 7, "tea"};
  ASSERT_TRUE(this->add({tea, {this->room_, 2, 8, "tea"}, tea}).ok());
  EXPECT_EQ(this->find("tea"), (Places{8, 7}));
  // Also without a mark: the same message is no damage.
  ASSERT_TRUE(this->add(IndexBatch{{{this->other_, 4, 9, "tea"}}, {}, 0}).ok());
  ASSERT_TRUE(this->add(IndexBatch{{{this->other_, 4, 9, "tea"}}, {}, 0}).ok());
  EXPECT_EQ(this->find("tea"), (Places{9, 8, 7}));
}

// Rare, but neither is lost, also when a page ends between them.
TYPED_TEST_P(SearchIndexSuite, MessagesWithTheSamePlaceAreAllFound) {
  this->open();
  ASSERT_TRUE(this->add({{this->room_, 1, 70, "tea"}, {this->other_, 1, 70, "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->unknown_, 1, 70, "tea"}, {this->unknown_, 2, 71, "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->room_, 2, 90, "tea"}}).ok());
  const std::vector<IndexScope> all{
      {this->room_, 1, 0}, {this->other_, 1, 0}, {this->unknown_, 1, 0}};
  std::set<std::pair<ConversationId, std::uint64_t>> found;
  std::uint64_t before = 0;
  for (int page = 0; page < 5; ++page) {
    const auto hits = this->try_find({"tea", UserId(), all, before, 1, Millis(0)}).value();
    ASSERT_EQ(hits.size(), 1u) << page;
    EXPECT_TRUE(before == 0 || hits[0].place < before);
    before = hits[0].place;
    EXPECT_TRUE(page == 0 ? before == 90 : before >= 70 && before <= 70 + 3) << before;
    EXPECT_TRUE(found.emplace(hits[0].conversation, hits[0].seq).second);
  }
  EXPECT_EQ(found.size(), 5u);
  // The same once more is none of them.
  ASSERT_TRUE(this->add(IndexBatch{{{this->other_, 1, 70, "tea"}}, {}, 0}).ok());
  EXPECT_EQ(this->find_in(all, "tea").size(), 5u);
}

// A clock that was set back: what is newer has a smaller place.
TYPED_TEST_P(SearchIndexSuite, PlacesNeedNotFollowTheConversation) {
  this->open();
  const auto at = [](std::uint64_t ms, std::uint64_t low) { return ms << index_place_bits | low; };
  ASSERT_TRUE(this->add({{this->room_, 1, at(900, 0), "tea"},
                         {this->room_, 2, at(901, 1), "tea"},
                         {this->room_, 3, at(901, 0), "tea"},
                         {this->room_, 4, at(500, 9), "tea"}})
                  .ok());
  ASSERT_TRUE(this->add({{this->room_, 5, at(501, 9), "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->other_, 1, at(700, 5), "tea"},
                         {this->other_, 2, at(700, 4), "tea"},
                         {this->other_, 3, at(701, 4), "tea"}})
                  .ok());
  EXPECT_EQ(this->find_in({{this->room_, 3, 0}}, "tea"),
            (Places{at(901, 0), at(501, 9), at(500, 9)}));
  EXPECT_EQ(this->find_in({{this->other_, 2, 0}}, "tea"), (Places{at(701, 4), at(700, 4)}));
}

TYPED_TEST_P(SearchIndexSuite, PartitionsAreCompleteEachForItself) {
  this->open();
  IndexBatch batch{{{this->room_, 1, 1, "tea"}}, {{this->room_, 1}}, 12, 3};
  ASSERT_TRUE(this->add(batch).ok());
  ASSERT_TRUE(this->add(IndexBatch{{}, {}, 7, 0}).ok());
  ASSERT_TRUE(this->add(IndexBatch{{}, {}, 0, 3}).ok());
  this->reopen();
  EXPECT_EQ(this->index_->complete(0).value(), 7u);
  EXPECT_EQ(this->index_->complete(1).value(), 0u);
  EXPECT_EQ(this->index_->complete(3).value(), 12u);
  ASSERT_TRUE(this->begin_anew().ok());
  EXPECT_EQ(this->index_->complete(3).value(), 0u);
}

TYPED_TEST_P(SearchIndexSuite, BatchesMayComeInAnyOrderOfPlaces) {
  this->open();
  ASSERT_TRUE(this->add({{this->room_, 1, 90, "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->other_, 2, 20, "tea"}, {this->other_, 1, 10, "tea"}}).ok());
  ASSERT_TRUE(this->add({{this->unknown_, 1, 50, "tea"}}).ok());
  EXPECT_EQ(this->find("tea"), (Places{90, 20, 10}));
  EXPECT_EQ(this->find_in({{this->unknown_, 1, 0}, {this->other_, 1, 0}}, "tea"),
            (Places{50, 20, 10}));
}

TYPED_TEST_P(SearchIndexSuite, BatchesAreAddedAndAnsweredInTheirOrder) {
  this->open();
  std::vector<std::uint64_t> answered;
  for (std::uint64_t n = 1; n <= 20; ++n) {
    auto batch = std::make_shared<const IndexBatch>(
        IndexBatch{{{this->room_, n, n, "tea"}}, {{this->room_, n}}, n});
    this->index_->add(batch, [&answered, n](Status status) {
      EXPECT_TRUE(status.ok());
      answered.push_back(n);
    });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answered.size() == 20; }));
  for (std::uint64_t n = 1; n <= 20; ++n) EXPECT_EQ(answered[n - 1], n);
  EXPECT_EQ(this->index_->complete(0).value(), 20u);
  EXPECT_EQ(this->find("tea").size(), 20u);
}

TYPED_TEST_P(SearchIndexSuite, TheTimeOfASearchIsToldBeforeItsAnswer) {
  this->open();
  ASSERT_TRUE(this->add({{this->room_, 1, 1, "tea"}}).ok());
  for (const char* text : {"tea", "coffee"}) {
    std::size_t told = 0;
    bool answered = false;
    IndexQuery query{text, UserId(), {{this->room_, 1, 0}}, 0, 10, Millis(60'000)};
    query.spent = [&](std::chrono::microseconds time) {
      EXPECT_FALSE(answered);
      EXPECT_GE(time.count(), 0);
      ++told;
    };
    this->index_->find(query, [&](const Result<std::vector<IndexHit>>& hits) {
      EXPECT_TRUE(hits.ok());
      answered = true;
    });
    ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answered; }));
    EXPECT_EQ(told, 1u) << text;
  }
}

TYPED_TEST_P(SearchIndexSuite, NoCallbackComesAfterDestruction) {
  this->open();
  std::size_t added = 0;
  this->index_->add(std::make_shared<const IndexBatch>(IndexBatch{{}, {{this->room_, 1}}, 1}),
                    [&](const Status&) { ++added; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->index_, added);
  this->open();
  std::size_t found = 0;
  this->index_->find({"tea", UserId(), {{this->room_, 1, 0}}, 0, 10, Millis(0)},
                     [&](const Result<std::vector<IndexHit>>&) { ++found; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->index_, found);
}

TYPED_TEST_P(SearchIndexSuite, BegunAnewItIsEmpty) {
  this->open();
  IndexBatch batch{{{this->room_, 1, 1, "tea"}}, {{this->room_, 1}}, 5};
  ASSERT_TRUE(this->add(batch).ok());
  this->reopen();
  ASSERT_TRUE(this->begin_anew().ok());
  EXPECT_EQ(this->index_->complete(0).value(), 0u);
  EXPECT_EQ(this->marks({this->room_}), (std::vector<std::uint64_t>{0}));
  EXPECT_TRUE(this->find("tea").empty());
  this->reopen();
  EXPECT_EQ(this->index_->complete(0).value(), 0u);
  batch.messages[0].text = "coffee";
  ASSERT_TRUE(this->add(batch).ok());
  EXPECT_TRUE(this->find("tea").empty());
  EXPECT_EQ(this->find("coffee"), (Places{1}));
}

TYPED_TEST_P(SearchIndexSuite, AFailedBatchLeavesNothing) {
  if (!this->open_nearly_full()) GTEST_SKIP() << "this factory fills no engine";
  std::uint64_t good = 0;
  Status added;
  while (good < 10'000) {
    const std::uint64_t next = good + 1;
    std::string text = "tea";
    for (int word = 0; word < 400; ++word) {
      text += " w" + std::to_string(next) + "x" + std::to_string(word);
    }
    added = this->add(IndexBatch{{{this->room_, next, next, text}}, {{this->room_, next}}, next});
    if (!added) break;
    good = next;
  }
  ASSERT_FALSE(added.ok());
  EXPECT_EQ(added.error().code, ErrorCode::kDiskFull);
  ASSERT_GT(good, 0u);
  this->reopen();
  EXPECT_EQ(this->index_->complete(0).value(), good);
  EXPECT_EQ(this->marks({this->room_}), (std::vector<std::uint64_t>{good}));
  EXPECT_EQ(this->find("tea", 0, 10'000).size(), good);
  ASSERT_TRUE(this->add({{this->room_, good + 1, good + 1, "tea"}}).ok());
  EXPECT_EQ(this->find("tea", 0, 10'000).size(), good + 1);
}

REGISTER_TYPED_TEST_SUITE_P(SearchIndexSuite, StartsEmpty, KeepsWhatWasAdded,
                            NewestFirstAcrossConversations, OnlyWhatIsInScope,
                            WhatIsWithheldIsFoundByItsOwnReaderAlone,
                            UnderstandsWordsAsTheProtocolSays, WhatIsNoQueryIsATypedError,
                            WhatIsThereAlreadyIsIgnored, WhatABatchHasTwiceChangesNothing,
                            MessagesWithTheSamePlaceAreAllFound, PlacesNeedNotFollowTheConversation,
                            PartitionsAreCompleteEachForItself, BatchesMayComeInAnyOrderOfPlaces,
                            BatchesAreAddedAndAnsweredInTheirOrder,
                            TheTimeOfASearchIsToldBeforeItsAnswer, NoCallbackComesAfterDestruction,
                            BegunAnewItIsEmpty, AFailedBatchLeavesNothing);

}  // namespace kith::server::conformance
