// ConversationStoreSuite tests that a ConversationStore keeps its contract. A factory opens the store again and
// again on the same data:
//   std::unique_ptr<ConversationStore> open();
//   std::unique_ptr<ConversationStore> open_nearly_full();  // after some batches one fails with kDiskFull
//   DrainedScheduler& scheduler();                          // the loop on which callbacks run
// open_nearly_full() may return null if a test cannot fill the engine; its cases are then skipped.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "kith/conformance/conversation_store_fixture.h"

namespace kith::server::conformance {

using Numbers = std::vector<std::uint64_t>;

template <class Factory>
class ConversationStoreSuite : public ConversationStoreFixture<Factory> {};

TYPED_TEST_SUITE_P(ConversationStoreSuite);

TYPED_TEST_P(ConversationStoreSuite, StartsEmpty) {
  this->open();
  EXPECT_EQ(this->store_->applied()->position, 0u);
  EXPECT_FALSE(this->load(this->room_).has_value());
  EXPECT_TRUE(this->seqs({this->room_, 1, 0, 10, false}).empty());
}

TYPED_TEST_P(ConversationStoreSuite, GivesBackWhatWasAppliedAfterReopening) {
  this->open();
  const StoreBatch stored = this->batch(1);
  ASSERT_TRUE(this->apply(stored).ok());
  this->reopen();
  EXPECT_EQ(this->store_->applied()->position, 1u);
  EXPECT_EQ(this->events({this->room_, 1, 0, 10, false}), std::vector{*stored.events[0]});
  const auto loaded = this->load(this->room_);
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->head, stored.heads[0]);
  ASSERT_EQ(loaded->members.size(), 2u);
  EXPECT_LT(loaded->members[0].user, loaded->members[1].user);
  for (const auto& [room, member] : stored.members) {
    EXPECT_NE(std::find(loaded->members.begin(), loaded->members.end(), member),
              loaded->members.end());
  }
}

TYPED_TEST_P(ConversationStoreSuite, ManyAreLoadedAtOnceWithoutThoseThatDoNotExist) {
  this->open();
  StoreBatch both = this->batch(1);
  both.heads.push_back(both.heads[0]);
  both.heads[1].id = id_of<ConversationId>(9);
  ASSERT_TRUE(this->apply(both).ok());
  const auto found = this->store_->load_all({this->room_, this->other_room_, both.heads[1].id});
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].head, both.heads[0]);
  EXPECT_EQ((*found)[0].members, this->load(this->room_)->members);
  EXPECT_EQ((*found)[1].head, both.heads[1]);
  EXPECT_TRUE((*found)[1].members.empty());
  EXPECT_TRUE(this->store_->load_all({}).value().empty());
}

TYPED_TEST_P(ConversationStoreSuite, ABatchAppliedAgainOrOverlappingChangesNothing) {
  this->open();
  for (Position p = 1; p <= 3; ++p) ASSERT_TRUE(this->apply(this->batch(p)).ok());
  const auto before = this->load(this->room_);
  ASSERT_TRUE(this->apply(this->batch(2)).ok());  // an old one: its rows are older than the store's
  EXPECT_EQ(this->load(this->room_)->head, before->head);
  EXPECT_EQ(this->load(this->room_)->members, before->members);
  EXPECT_EQ(this->store_->applied()->position, 3u);

  StoreBatch overlapping = this->batch(4);
  overlapping.events.insert(overlapping.events.begin(),
                            std::make_shared<const Event>(this->event(this->room_, 3, 3)));
  ASSERT_TRUE(this->apply(overlapping).ok());
  EXPECT_EQ(this->seqs({this->room_, 1, 0, 10, false}), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(this->store_->applied()->position, 4u);
}

TYPED_TEST_P(ConversationStoreSuite, BatchesAreAppliedInOrder) {
  this->open();
  std::vector<Position> done;
  for (Position p = 1; p <= 20; ++p) {
    this->store_->apply(std::make_shared<const StoreBatch>(this->batch(p)),
                        [&done, p](Status status) {
                          EXPECT_TRUE(status.ok());
                          done.push_back(p);
                        });
  }
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return done.size() == 20; }));
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(this->load(this->room_)->head.last_seq, 20u);
}

TYPED_TEST_P(ConversationStoreSuite, ApplyAnswersLaterAndIsReadFromThenOn) {
  this->open();
  bool applied = false;
  this->store_->apply(std::make_shared<const StoreBatch>(this->batch(1)), [&](Status status) {
    EXPECT_TRUE(status.ok());
    applied = true;
    EXPECT_EQ(this->store_->applied()->position, 1u);
  });
  EXPECT_FALSE(applied) << "answered inside the call";
  ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return applied; }));
  EXPECT_TRUE(this->load(this->room_).has_value());
}

TYPED_TEST_P(ConversationStoreSuite, KeepsWhoOwnedTheLogBesideItsPosition) {
  this->open();
  StoreBatch first = this->batch(1);
  ASSERT_TRUE(this->apply(first).ok());
  EXPECT_EQ(this->store_->applied()->tenure, Tenure());
  StoreBatch second = this->batch(2);
  second.tenure = {3, ~std::uint64_t{0}};
  ASSERT_TRUE(this->apply(second).ok());
  this->reopen();
  EXPECT_EQ(this->store_->applied()->position, 2u);
  EXPECT_EQ(this->store_->applied()->tenure, second.tenure);
}

TYPED_TEST_P(ConversationStoreSuite, NoCallbackComesAfterDestruction) {
  this->open();
  ASSERT_TRUE(this->apply(this->batch(1)).ok());
  std::size_t applied = 0;
  this->store_->apply(std::make_shared<const StoreBatch>(this->batch(2)),
                      [&](const Status&) { ++applied; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->store_, applied);
  this->open();
  const Position kept = this->store_->applied()->position;
  EXPECT_TRUE(kept == 1 || kept == 2) << "it is there or not";
  EXPECT_EQ(this->load(this->room_)->head.last_position, kept) << "with its position";
  std::size_t loaded = 0;
  this->store_->load(this->room_, [&](const Result<std::optional<Conversation>>&) { ++loaded; });
  expect_no_answer_after_destruction(this->factory_.scheduler(), this->store_, loaded);
}

TYPED_TEST_P(ConversationStoreSuite, EventsComeAscendingFromEitherEnd) {
  this->open();
  for (Position p = 1; p <= 9; ++p) ASSERT_TRUE(this->apply(this->batch(p)).ok());
  EXPECT_EQ(this->seqs({this->room_, 3, 0, 3, false}), (Numbers{3, 4, 5}));
  EXPECT_EQ(this->seqs({this->room_, 1, 6, 2, true}), (Numbers{5, 6}));
  EXPECT_EQ(this->seqs({this->room_, 1, 0, 2, true}), (Numbers{8, 9}));
  EXPECT_EQ(this->seqs({this->room_, 8, ~std::uint64_t{0}, 50, false}), (Numbers{8, 9}));
  EXPECT_TRUE(this->seqs({this->room_, 7, 6, 50, false}).empty());
  EXPECT_TRUE(this->seqs({this->other_room_, 1, 0, 50, false}).empty());
}

// Batches of many events each: pages begin and end anywhere in them.
TYPED_TEST_P(ConversationStoreSuite, PagesBeginAndEndAnywhereInABatch) {
  this->open();
  std::uint64_t seq = 0;
  for (const std::uint64_t count : {1, 150, 7, 64, 65}) {
    StoreBatch many = this->batch(seq + count);
    many.events.clear();
    for (std::uint64_t i = 0; i < count; ++i) {
      ++seq;
      many.events.push_back(std::make_shared<const Event>(this->event(this->room_, seq, seq)));
    }
    ASSERT_TRUE(this->apply(many).ok());
  }
  this->reopen();
  for (std::uint64_t from = 1; from <= seq; from += 9) {
    for (const std::uint64_t to : {from, from + 3, from + 70, seq, std::uint64_t{0}}) {
      const std::uint64_t last = to == 0 ? seq : std::min(to, seq);
      for (const std::uint64_t limit : {1, 50, 1'000}) {
        Numbers oldest;
        for (std::uint64_t s = from; s <= last && oldest.size() < limit; ++s) oldest.push_back(s);
        Numbers newest;
        for (std::uint64_t s = last; s >= from && newest.size() < limit; --s) newest.push_back(s);
        std::reverse(newest.begin(), newest.end());
        EXPECT_EQ(this->seqs({this->room_, from, to, limit, false}), oldest) << from << ' ' << to;
        EXPECT_EQ(this->seqs({this->room_, from, to, limit, true}), newest) << from << ' ' << to;
      }
    }
  }
  EXPECT_TRUE(this->seqs({this->room_, seq + 1, 0, 5, false}).empty());
  EXPECT_TRUE(this->seqs({this->room_, seq + 1, 0, 5, true}).empty());
  EXPECT_TRUE(this->seqs({this->room_, 1, 0, 0, true}).empty());
  const auto all = this->events({this->room_, 1, 0, 1'000, false});
  ASSERT_EQ(all.size(), seq);
  for (const Event& e : all) EXPECT_EQ(e, this->event(this->room_, e.seq, e.seq));
}

// From two members to forty, one of whom leaves and comes back; each batch has the changed ones only.
TYPED_TEST_P(ConversationStoreSuite, MembersStayRightWhileAGroupGrows) {
  this->open();
  std::vector<Member> wanted;
  Position position = 0;
  const auto apply_changed = [&](const std::vector<Member>& changed) {
    StoreBatch b = this->batch(++position);
    b.members.clear();
    for (Member m : changed) {
      m.delivered_seq = position;
      const auto place =
          std::lower_bound(wanted.begin(), wanted.end(), m.user,
                           [](const Member& a, const UserId& user) { return a.user < user; });
      if (place != wanted.end() && place->user == m.user) {
        *place = m;
      } else {
        wanted.insert(place, m);
      }
      b.members.emplace_back(this->room_, m);
    }
    ASSERT_TRUE(this->apply(b).ok());
    EXPECT_EQ(this->load(this->room_)->members, wanted) << position;
  };
  const auto person = [](int n, MemberRole role = MemberRole::kMember) {
    Member m;
    m.user = UserId::of("user" + std::to_string(n));
    m.role = role;
    m.join_seq = 1;
    return m;
  };
  apply_changed({person(1), person(0)});
  for (int n = 2; n < 40; n += 3) {
    apply_changed({person(n + 2), person(n), person(n + 1)});
    apply_changed({});
    apply_changed({person(1, MemberRole::kNone)});
    apply_changed({person(n - 1), person(1)});
  }
  this->reopen();
  EXPECT_EQ(this->load(this->room_)->members, wanted);
  ASSERT_GT(wanted.size(), 32u);
}

TYPED_TEST_P(ConversationStoreSuite, MembersMayComeBeforeTheirConversation) {
  this->open();
  StoreBatch early = this->batch(1);
  early.heads.clear();
  early.events.clear();
  early.members.pop_back();
  ASSERT_TRUE(this->apply(early).ok());
  EXPECT_FALSE(this->load(this->room_).has_value());
  StoreBatch rest = this->batch(2);
  rest.members.erase(rest.members.begin());
  ASSERT_TRUE(this->apply(rest).ok());
  const auto loaded = this->load(this->room_);
  ASSERT_TRUE(loaded.has_value());
  ASSERT_EQ(loaded->members.size(), 2u);
  StoreBatch later = this->batch(3);  // and without its head
  later.heads.clear();
  later.events.clear();
  ASSERT_TRUE(this->apply(later).ok());
  const auto moved = this->load(this->room_);
  EXPECT_EQ(moved->head, loaded->head);
  for (const Member& m : moved->members) EXPECT_EQ(m.delivered_seq, 3u);
}

// Ids of version 7 that were made in the same millisecond.
TYPED_TEST_P(ConversationStoreSuite, FindsCommandsOfTheSameMillisecond) {
  this->open();
  StoreBatch many = this->batch(500);
  many.events.clear();
  const auto message = [](std::uint64_t n) {
    std::array<std::uint8_t, MessageId::kSize> id{1, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x70};
    id[14] = static_cast<std::uint8_t>(n >> 8);
    id[15] = static_cast<std::uint8_t>(n);
    return MessageId(id);
  };
  for (std::uint64_t seq = 1; seq <= 500; ++seq) {
    Event e = this->event(this->room_, seq, seq);
    e.message_id = message(seq / 2);  // two senders may use the same id
    e.sender = seq % 2 == 0 ? this->ann_ : this->bob_;
    many.events.push_back(std::make_shared<const Event>(std::move(e)));
  }
  ASSERT_TRUE(this->apply(many).ok());
  for (std::uint64_t seq = 1; seq <= 500; ++seq) {
    const auto placed =
        answer_of<std::optional<Placement>>(this->factory_.scheduler(), [&](auto done) {
          this->store_->find(this->room_, seq % 2 == 0 ? this->ann_ : this->bob_, message(seq / 2),
                             std::move(done));
        });
    ASSERT_TRUE(placed.ok() && *placed) << seq;
    EXPECT_EQ((*placed)->seq, seq);
  }
}

TYPED_TEST_P(ConversationStoreSuite, FindsThePlaceOfAnEarlierCommand) {
  this->open();
  ASSERT_TRUE(this->apply(this->batch(5)).ok());
  const auto find = [&](const ConversationId& room, const UserId& sender, std::uint8_t message) {
    return answer_of<std::optional<Placement>>(
               this->factory_.scheduler(),
               [&](auto done) {
                 this->store_->find(room, sender, id_of<MessageId>(message), std::move(done));
               })
        .value();
  };
  const auto placed = find(this->room_, this->ann_, 5);
  ASSERT_TRUE(placed.has_value());
  EXPECT_EQ(placed->seq, 5u);
  EXPECT_EQ(placed->ordinal, 5u);
  EXPECT_EQ(placed->server_ts_ms, 1'005);
  EXPECT_EQ(placed->position, 5u);
  EXPECT_FALSE(find(this->room_, this->bob_, 5).has_value());  // ids belong to their sender
  EXPECT_FALSE(find(this->other_room_, this->ann_, 5).has_value());
  EXPECT_FALSE(find(this->room_, this->ann_, 6).has_value());
}

TYPED_TEST_P(ConversationStoreSuite, AWalkOverAllHeadsSeesThoseThatChanged) {
  this->open();
  ASSERT_TRUE(this->apply(this->batch(1)).ok());
  StoreBatch many;
  many.position = 20;
  for (std::uint8_t n = 10; n < 20; ++n) {
    Head head;
    head.id = id_of<ConversationId>(n);
    head.last_seq = head.last_position = n;
    head.title = "t";
    many.heads.push_back(head);
  }
  ASSERT_TRUE(this->apply(many).ok());
  const auto walk = [&](Position changed_after, std::size_t limit) {
    std::vector<Position> seen;
    HeadsPage page;
    page.more = true;
    int pages = 0;
    while (page.more && ++pages < 100) {
      page = answer_of<HeadsPage>(this->factory_.scheduler(), [&](auto done) {
               this->store_->heads(page.next, changed_after, limit, std::move(done));
             }).value();
      for (const Head& head : page.heads) seen.push_back(head.last_position);
    }
    return seen;
  };
  const Numbers all{1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19};
  for (const std::size_t limit : {1, 3, 11, 100}) EXPECT_EQ(walk(0, limit), all) << limit;
  EXPECT_EQ(walk(16, 2), (Numbers{17, 18, 19}));
  EXPECT_TRUE(walk(19, 4).empty());
}

TYPED_TEST_P(ConversationStoreSuite, AFailedBatchLeavesNothingAndIsNotOvertaken) {
  if (!this->open_nearly_full()) GTEST_SKIP() << "this factory fills no engine";
  Position good = 0;
  std::optional<Error> failed;
  bool later_failed = false;
  // Batches in pairs: the second one is applied before the first one's failure is known.
  while (!failed && good < 10'000) {
    std::size_t answers = 0;
    for (const Position p : {good + 1, good + 2}) {
      auto batch = std::make_shared<const StoreBatch>(this->batch(p, p % 2 == 1 ? 8'000 : 5));
      this->store_->apply(batch, [&, p](Status status) {
        ++answers;
        if (status) {
          EXPECT_FALSE(failed.has_value()) << "overtook a failed batch";
          good = p;
        } else if (!failed) {
          failed = status.error();
          later_failed = p % 2 == 0;
        } else {
          later_failed = true;
        }
      });
    }
    ASSERT_TRUE(this->factory_.scheduler().run_until([&] { return answers == 2; }));
  }
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->code, ErrorCode::kDiskFull);
  EXPECT_TRUE(later_failed);
  this->reopen();
  EXPECT_EQ(this->store_->applied()->position, good);
  EXPECT_EQ(this->load(this->room_)->head.last_seq, good);
  EXPECT_EQ(this->seqs({this->room_, 1, 0, 100'000, false}).size(), good);
  EXPECT_TRUE(this->apply(this->batch(good + 1)).ok());
}

REGISTER_TYPED_TEST_SUITE_P(
    ConversationStoreSuite, StartsEmpty, GivesBackWhatWasAppliedAfterReopening,
    ManyAreLoadedAtOnceWithoutThoseThatDoNotExist, ABatchAppliedAgainOrOverlappingChangesNothing,
    BatchesAreAppliedInOrder, ApplyAnswersLaterAndIsReadFromThenOn,
    KeepsWhoOwnedTheLogBesideItsPosition, NoCallbackComesAfterDestruction,
    EventsComeAscendingFromEitherEnd, FindsThePlaceOfAnEarlierCommand,
    PagesBeginAndEndAnywhereInABatch, MembersStayRightWhileAGroupGrows,
    MembersMayComeBeforeTheirConversation, FindsCommandsOfTheSameMillisecond,
    AWalkOverAllHeadsSeesThoseThatChanged, AFailedBatchLeavesNothingAndIsNotOvertaken);

}  // namespace kith::server::conformance
