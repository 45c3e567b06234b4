// Blocks on their way into the log: announced or asked for, neither lost nor late.
#include "server/commands/blocks.h"

#include <gtest/gtest.h>

#include <deque>

#include "tests/unit/server/service_fixture.h"

namespace kith::server {
namespace {

using testing::message;

// Answers when the test says so.
class LateRelations : public Relations {
 public:
  void consents(const Caller&, const std::vector<UserId>&,
                Done<std::vector<Consent>> done) override {
    done(std::vector<Consent>());
  }
  void charge(const Caller&, std::uint32_t) override {}
  void charge_loads(const Caller&, std::uint32_t) override {}
  void relation(const UserId&, const UserId&, Done<std::optional<Consent>> done) override {
    questions.push_back(std::move(done));
  }
  void answer(Result<std::optional<Consent>> with) {
    ASSERT_FALSE(questions.empty());
    const auto done = std::move(questions.front());
    questions.pop_front();
    done(std::move(with));
  }
  static std::optional<Consent> blocked(bool on) {
    Consent consent;
    consent.blocked = on;
    return consent;
  }
  std::deque<Done<std::optional<Consent>>> questions;
};

class BlocksTest : public testing::ServiceTest {
 protected:
  BlocksTest() { EXPECT_FALSE(say(anna, bob, 1).items(0).has_error()); }
  v1::SendResult say(const Caller& from, const UserId& to, std::uint8_t n) {
    return send_by(service, from, to, n);
  }
  v1::SendResult send_by(ConversationRequests& there, const Caller& from, const UserId& to,
                         std::uint8_t n) {
    v1::ClientFrame frame = batch({out(n)}, ConversationId::direct(from.user, to));
    frame.mutable_send()->set_direct_peer(to.bytes());
    v1::ServerFrame answer;
    there.handle(stamped(from), frame, [&](v1::ServerFrame&& reply) { answer = std::move(reply); });
    loop.advance(Millis(50));
    return answer.send_result();
  }
  // The directory changes, and the process ends before the conversation hears of it.
  void block_untold(const UserId& user, const UserId& whom) {
    UserChange what;
    what.block = {whom};
    users.update(user, what, [](const Result<Users::Record>& done) { EXPECT_TRUE(done.ok()); });
    loop.settle();
  }
  [[nodiscard]] bool in_log(const UserId& user) const {
    return find_member(*cache.cached(room), user)->blocks;
  }
  void settle(std::string name) {
    blocks.settle(room, bob, ann, [this, name = std::move(name)](const Status& status) {
      settled += name + (status ? " " : "! ");
      if (!status) why = status.error().code;
    });
  }

  Caller anna = enter(ann, 1), bobs = enter(bob, 2);
  const ConversationId room = ConversationId::direct(ann, bob);
  LateRelations people;
  Blocks blocks{cache, people, loop};
  std::string settled;
  ErrorCode why{};
};

TEST_F(BlocksTest, OneQuestionIsAskedForAllWhoWait) {
  EXPECT_FALSE(blocks.known(room, bob, ann));
  settle("first");
  settle("second");
  ASSERT_EQ(people.questions.size(), 1u);
  const Position end = cache.progress().end();
  people.answer(people.blocked(false));
  EXPECT_EQ(settled, "first second ");
  EXPECT_TRUE(blocks.known(room, bob, ann));
  EXPECT_FALSE(blocks.known(room, ann, bob)) << "what the other says is another question";
  EXPECT_EQ(cache.progress().end(), end) << "the log has it already";
}

TEST_F(BlocksTest, WhatTheLogDoesNotHaveIsLoggedFirst) {
  settle("message");
  people.answer(people.blocked(true));
  EXPECT_EQ(settled, "");
  loop.settle();
  EXPECT_EQ(settled, "message ");
  EXPECT_TRUE(in_log(bob));
  EXPECT_FALSE(in_log(ann));
}

TEST_F(BlocksTest, AnAnswerOfBeforeAChangeIsAskedForAgain) {
  settle("message");
  blocks.set(bob, ann, true, [](const Status&) {});
  loop.settle();
  people.answer(people.blocked(false));
  EXPECT_EQ(settled, "");
  people.answer(people.blocked(true));
  EXPECT_EQ(settled, "message ");
  EXPECT_TRUE(in_log(bob));
}

TEST_F(BlocksTest, AChangeWhileTheLogIsSlowIsNotUndone) {
  settle("message");
  people.answer(people.blocked(false));
  settled.clear();
  blocks.forget();
  settle("message");
  people.answer(people.blocked(true));  // on its way into the log
  blocks.set(bob, ann, false, [](const Status&) {});
  loop.settle();
  EXPECT_EQ(settled, "");
  people.answer(people.blocked(false));
  EXPECT_EQ(settled, "message ");
  EXPECT_FALSE(in_log(bob));
}

TEST_F(BlocksTest, WhatCannotBeLoggedIsAskedForBeforeTheNextMessage) {
  settle("first");
  people.answer(people.blocked(false));
  disks.log->commit_fault = [] { return make_error(ErrorCode::kDiskFull, "full"); };
  bool told = false;
  blocks.set(bob, ann, true, [&](const Status& status) { told = status.ok(); });
  loop.settle();
  EXPECT_TRUE(told);
  EXPECT_FALSE(blocks.known(room, bob, ann));
  settle("second");
  people.answer(people.blocked(true));
  loop.settle();
  EXPECT_EQ(settled, "first second! ");
  EXPECT_EQ(make_error(why, "").retry() == Retry::kNever, false);
  disks.log->commit_fault = nullptr;
  settle("third");
  people.answer(people.blocked(true));
  loop.settle();
  EXPECT_EQ(settled, "first second! third ");
  EXPECT_TRUE(in_log(bob));
}

TEST_F(BlocksTest, WhoeverHasNoAccountIsNobody) {
  settle("message");
  people.answer(std::optional<Consent>());
  EXPECT_EQ(settled, "message! ");
  EXPECT_EQ(why, ErrorCode::kNotFound);
  EXPECT_FALSE(blocks.known(room, bob, ann));
}

TEST_F(BlocksTest, WhereThereIsNoConversationNothingIsLogged) {
  const Position end = cache.progress().end();
  bool told = false;
  blocks.set(cleo, ann, true, [&](const Status& status) { told = status.ok(); });
  loop.settle();
  EXPECT_TRUE(told);
  EXPECT_EQ(cache.progress().end(), end);
}

// Data directories of before, and a process that ended between the directory and the log.
TEST_F(BlocksTest, TheFirstMessageAfterALoadAsks) {
  block_untold(bob, ann);
  testing::NextProcess next(disks, loop);
  ASSERT_TRUE(next.start().ok());
  ConversationShard& cache_again = next.cache;
  cache_again.ownership().take_over();
  ConversationRequests& again = next.partition.requests();
  const v1::SendResult sent = send_by(again, anna, bob, 2);
  EXPECT_TRUE(sent.items(0).has_placed());
  EXPECT_TRUE(find_member(*cache_again.cached(room), bob)->blocks);
  EXPECT_EQ(find_member(*cache_again.cached(room), ann)->withheld, 1u);
  EXPECT_TRUE(send_by(again, bobs, ann, 3).items(0).has_placed());
  EXPECT_EQ(find_member(*cache_again.cached(room), bob)->withheld, 0u);
}

TEST_F(BlocksTest, ABlockBetweenTheQuestionAndTheCreationHoldsForTheNextMessage) {
  const Caller cleos = enter(cleo, 3);
  const ConversationId fresh = ConversationId::direct(cleo, ann);
  v1::ClientFrame first = batch({out(1)}, fresh);
  first.mutable_send()->set_direct_peer(ann.bytes());
  const auto answer = begin(cleos, first);  // let in, and on its way into the log
  UserChange blocks_cleo;
  blocks_cleo.block = {cleo};
  change(ann, blocks_cleo);
  loop.advance(Millis(50));
  ASSERT_TRUE(answer->has_value());
  EXPECT_TRUE((*answer)->send_result().items(0).has_placed());
  EXPECT_TRUE(say(cleos, ann, 2).items(0).has_placed());
  EXPECT_EQ(find_member(*cache.cached(fresh), cleo)->withheld, 1u);
}

TEST_F(BlocksTest, WritingToAnAccountThatWasDeletedIsRefusedAtOnce) {
  EXPECT_TRUE(say(anna, bob, 2).items(0).has_placed());
  users.remove(bob, [](const Status& removed) { EXPECT_TRUE(removed.ok()); });
  loop.settle();
  service.blocks().forget();  // as after PeopleService::remove()
  const v1::SendResult refused = say(anna, bob, 3);
  EXPECT_EQ(refused.items(0).error().code(), v1::ERROR_CODE_NOT_FOUND);
  EXPECT_TRUE(say(anna, bob, 2).items(0).placed().duplicate());
}

}  // namespace
}  // namespace kith::server
