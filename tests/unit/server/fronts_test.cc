// A partition with several fronts, each the home of some users: marks, pushes and questions reach the homes of those
// that they are about, and a front that breaks disturbs no other.
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "server/delivery/push.h"
#include "server/dispatch/linked_partition.h"
#include "server/link/owner_link.h"
#include "server/link/partition_host.h"
#include "server/records/feed_versions.h"
#include "server/records/partition.h"
#include "tests/unit/server/link_fixture.h"

namespace kith::server {
namespace {

constexpr std::uint32_t kHomes = 2;

// A front with its side of the link to the partition.
struct Home {
  TestFront front;
  std::vector<Position> reached;  // what the store had then
  std::vector<Position> stored;
  LinkedPartition partition{{front, front, front, nullptr,
                             [this](const std::shared_ptr<const StoreBatch>& batch) {
                               stored.push_back(batch->position);
                             },
                             [this](Position upto) { reached.push_back(upto); }}};
  std::unique_ptr<TestLane> to_host;
  std::unique_ptr<TestLane> to_front;
  std::vector<std::string> answers;
};

// The nth user of a home.
UserId user_at(std::uint32_t home, int nth = 0) {
  for (int i = 0;; ++i) {
    const UserId user = UserId::of("user " + std::to_string(i));
    if (partition_of(user, kHomes) == home && nth-- == 0) return user;
  }
}

Caller caller_at(std::uint32_t home, std::uint64_t session) {
  Caller caller;
  caller.user = user_at(home);
  caller.session = session;
  return caller;
}

class FrontsTest : public ::testing::Test {
 protected:
  FrontsTest() {
    host.serve(owner);
    host.marks().begins(0, 0);
  }
  void connect(std::uint32_t number) {
    Home& home = *homes[number];
    home.to_host = std::make_unique<TestLane>();
    home.to_front = std::make_unique<TestLane>();
    const auto connection = home.partition.connect(host.front(number), *home.to_host, 1);
    ASSERT_TRUE(connection.has_value());
    host.front(number).connected(home.partition.link(), *connection, *home.to_front);
  }
  void connect_all() {
    for (std::uint32_t i = 0; i < kHomes; ++i) connect(i);
    run();
  }
  void run() {
    for (int i = 0; i < 5; ++i) {
      for (const auto& home : homes) {
        if (home->to_host) home->to_host->run();
        if (home->to_front) home->to_front->run();
      }
    }
  }
  void break_link(std::uint32_t number) {
    link(number).disconnect();
    host.front(number).disconnected();
  }
  // The process of the home ends, and another one begins.
  void restart(std::uint32_t number) {
    break_link(number);
    homes[number] = std::make_unique<Home>();
  }
  OwnerLink& link(std::uint32_t number) { return homes[number]->partition.link(); }
  TestFront& front(std::uint32_t number) { return homes[number]->front; }

  void mark(std::uint64_t seq, const std::vector<UserId>& users, std::uint64_t records = 1,
            bool large = false) {
    FeedMark one;
    one.last_seq = seq;
    one.users.assign(users.begin(), users.end());
    one.records = records;
    one.large = large;
    host.marks().mark(one);
  }
  void ask(std::uint32_t number) {
    link(number).handle(Caller{}, v1::ClientFrame(),
                        Reply([&answers = homes[number]->answers](v1::ServerFrame&& frame) {
                          answers.push_back(frame.has_error() ? "rejected" : "answered");
                        }));
  }
  [[nodiscard]] std::uint64_t counted(std::uint32_t number) {
    return FeedVersions::records(front(number).versions.last());
  }

  TestOwner owner;
  PartitionHost host{true, kHomes};
  std::vector<std::unique_ptr<Home>> homes = [] {
    std::vector<std::unique_ptr<Home>> made;
    for (std::uint32_t i = 0; i < kHomes; ++i) made.push_back(std::make_unique<Home>());
    return made;
  }();
};

using Log = std::vector<std::string>;
using Users = std::vector<UserId>;

Users users_of(const UserList& users) {
  return {users.begin(), users.end()};
}

// --- marks ---

TEST_F(FrontsTest, AMarkIsDividedAmongTheHomesOfItsUsers) {
  connect_all();
  FeedMark both;
  both.conversation = ConversationId::direct(user_at(0), user_at(1));
  both.last_seq = 4;
  both.users = {user_at(0), user_at(1), user_at(0, 1)};
  both.former = {user_at(1, 1)};
  both.reader = user_at(0);
  host.marks().mark(both);
  run();
  ASSERT_EQ(front(0).marks.size(), 1u);
  ASSERT_EQ(front(1).marks.size(), 1u);
  const FeedMark& first = front(0).marks[0];
  const FeedMark& second = front(1).marks[0];
  EXPECT_EQ(users_of(first.users), (Users{user_at(0), user_at(0, 1)}));
  EXPECT_TRUE(first.former.empty());
  EXPECT_EQ(first.reader, user_at(0));
  EXPECT_EQ(users_of(second.users), Users{user_at(1)});
  EXPECT_EQ(users_of(second.former), Users{user_at(1, 1)});
  EXPECT_TRUE(second.reader.empty());
  for (const FeedMark& part : {first, second}) {
    EXPECT_EQ(part.conversation, both.conversation);
    EXPECT_EQ(part.last_seq, 4u);
    EXPECT_FALSE(part.large);
  }
}

TEST_F(FrontsTest, AHomeThatHasNoneOfTheUsersGetsNoMark) {
  connect_all();
  mark(1, {user_at(0)});
  FeedMark left;
  left.last_seq = 2;
  left.former = {user_at(1)};
  host.marks().mark(left);
  host.marks().mark_user(user_at(1));
  run();
  EXPECT_EQ(front(0).log, Log{"mark 1"});
  EXPECT_EQ(front(1).log, (Log{"mark 2", "mark of a user"}));
  EXPECT_EQ(front(1).marked, Users{user_at(1)});
}

// Members compare with the version of the group, which each home keeps for its own.
TEST_F(FrontsTest, AMarkOfALargeGroupGoesToEveryHome) {
  connect_all();
  mark(1, {}, 1, true);
  mark(2, {user_at(1)}, 1, true);  // has joined: the head has moved for all
  run();
  EXPECT_EQ(front(0).log, (Log{"mark 1", "mark 2"}));
  EXPECT_EQ(front(1).log, (Log{"mark 1", "mark 2"}));
  EXPECT_TRUE(front(0).marks.at(1).large);
  EXPECT_TRUE(front(0).marks.at(1).users.empty());
  EXPECT_EQ(users_of(front(1).marks.at(1).users), Users{user_at(1)});
}

TEST_F(FrontsTest, AHomeCountsTheRecordsOfOtherHomesWithItsNextMark) {
  connect_all();
  mark(1, {user_at(0)}, 3);  // two records before it changed nothing
  mark(2, {user_at(0)});
  host.marks().mark_user(user_at(0));
  run();
  EXPECT_EQ(counted(0), 5u);
  EXPECT_EQ(counted(1), 0u);
  host.marks().mark_user(user_at(1));
  run();
  EXPECT_EQ(counted(1), 1u);
  mark(3, {user_at(1)});
  run();
  ASSERT_EQ(front(1).marks.size(), 1u);
  EXPECT_EQ(front(1).marks[0].records, 6u);
  EXPECT_EQ(counted(1), 7u) << "as many as were decided, each once";
  EXPECT_EQ(counted(0), 5u);
  mark(4, {}, 2, true);
  run();
  EXPECT_EQ(counted(0), 9u);
  EXPECT_EQ(counted(1), 9u);
}

TEST_F(FrontsTest, AFlushWaitsForEveryHome) {
  connect_all();
  for (const std::uint32_t last : {0u, 1u}) {
    mark(1, {user_at(0), user_at(1)});
    int flushed = 0;
    host.marks().flush([&](const Status& status) { flushed += status.ok() ? 1 : 0; });
    run();
    front(1 - last).flushes.back()({});
    run();
    EXPECT_EQ(flushed, 0) << last;
    front(last).flushes.back()({});
    run();
    EXPECT_EQ(flushed, 1) << last;
  }
}

TEST_F(FrontsTest, AHomeThatIsAwayHoldsAFlushOnlyIfItHasMarks) {
  connect(0);
  run();
  mark(1, {user_at(0)});
  bool first = false;
  host.marks().flush([&](const Status&) { first = true; });
  run();
  front(0).flushes.at(0)({});
  run();
  EXPECT_TRUE(first);
  mark(2, {user_at(0), user_at(1)});
  bool second = false;
  host.marks().flush([&](const Status&) { second = true; });
  run();
  front(0).flushes.at(1)({});
  run();
  EXPECT_FALSE(second);
  EXPECT_EQ(host.front(0).marks().kept(), 0u);
  EXPECT_EQ(host.front(1).marks().kept(), 1u);
  connect(1);
  run();
  EXPECT_EQ(front(1).log, Log{"mark 2"});
  front(1).flushes.at(0)({});
  run();
  EXPECT_TRUE(second);
}

TEST_F(FrontsTest, MarksAreKeptForTheHomeThatIsAwayAndGivenToItAlone) {
  connect_all();
  break_link(1);
  mark(1, {user_at(0), user_at(1)}, 2);
  mark(2, {user_at(0)});
  mark(3, {user_at(1)});
  run();
  EXPECT_EQ(front(0).log, (Log{"mark 1", "mark 2"}));
  connect(1);
  run();
  EXPECT_EQ(front(0).log, (Log{"mark 1", "mark 2"}));
  EXPECT_EQ(front(1).log, (Log{"mark 1", "mark 3"}));
  EXPECT_EQ(counted(1), 4u);
}

TEST_F(FrontsTest, MarksAreKeptForSeveralFrontsInAnyCase) {
  PartitionHost lasting(false, kHomes);
  lasting.marks().begins(0, 0);
  lasting.marks().mark_user(user_at(1));
  EXPECT_EQ(lasting.front(1).marks().kept(), 1u) << "it has not been connected yet";
}

// It numbers anew, above all that it numbered before, so marks that it has had already do no harm.
TEST_F(FrontsTest, AHomeThatBeginsAnewGivesLaterVersionsToTheMarksThatAreRepeated) {
  front(1).versions.begin(1);
  connect_all();
  mark(1, {user_at(1)}, 100);
  run();
  const FeedVersion given = front(1).versions.last();
  EXPECT_EQ(FeedVersions::records(given), 100u);
  restart(1);
  mark(2, {user_at(0)});
  mark(3, {user_at(1)});
  front(1).versions.begin(2);
  ASSERT_TRUE(homes[1]->partition.start().ok());
  connect(1);
  run();
  EXPECT_EQ(front(1).log, (Log{"begins", "mark 1", "mark 3"}));
  EXPECT_EQ(counted(1), 102u);
  EXPECT_GT(front(1).versions.last(), given);
  EXPECT_TRUE(front(1).versions.may_be(given)) << "a device has it";
}

TEST_F(FrontsTest, AHomeThatConnectsLateHearsWhatTheStoreHasByNow) {
  connect(0);
  run();
  auto batch = std::make_shared<StoreBatch>();
  batch->position = 7;
  host.stored(batch);
  run();
  connect(1);
  run();
  EXPECT_EQ(homes[0]->reached, std::vector<Position>{0});
  EXPECT_EQ(homes[0]->stored, std::vector<Position>{7});
  EXPECT_EQ(homes[1]->reached, std::vector<Position>{7});
  EXPECT_TRUE(homes[1]->stored.empty());
  batch = std::make_shared<StoreBatch>();
  batch->position = 9;
  host.stored(batch);
  run();
  EXPECT_EQ(homes[0]->stored, (std::vector<Position>{7, 9}));
  EXPECT_EQ(homes[1]->stored, std::vector<Position>{9});
}

// --- questions and pushes ---

TEST_F(FrontsTest, TheHomeOfTheCallerAnswersAndPays) {
  connect_all();
  int answered = 0;
  host.consents(caller_at(1, 5), {user_at(0)}, [&](const auto& found) { answered += found.ok(); });
  host.charge(caller_at(1, 5), 3);
  host.charge_loads(caller_at(1, 5), 4);
  run();
  EXPECT_EQ(answered, 1);
  EXPECT_TRUE(front(0).log.empty());
  EXPECT_EQ(front(1).log, (Log{"consents", "charge 3", "loads 4"}));
}

TEST_F(FrontsTest, TheHomeOfAUserAnswersWhatTheyLetAnotherDo) {
  connect_all();
  std::vector<std::string> answers;
  host.relation(user_at(1), user_at(0), [&](const auto&) { answers.push_back("of 1"); });
  host.relation(user_at(0), user_at(1), [&](const auto&) { answers.push_back("of 0"); });
  run();
  ASSERT_EQ(front(0).asked.size(), 1u);
  ASSERT_EQ(front(1).asked.size(), 1u);
  front(0).asked.at(0)(std::optional<Consent>());
  run();
  EXPECT_EQ(answers, Log{"of 0"});
  front(1).asked.at(0)(std::optional<Consent>());
  run();
  EXPECT_EQ(answers, (Log{"of 0", "of 1"}));
}

TEST_F(FrontsTest, PushesGoToTheHomesOfTheirUsersInOrder) {
  connect_all();
  Push push;
  push.last_seq = 1;
  const Users all{user_at(0), user_at(1), user_at(1, 1), user_at(0, 1)};
  host.to_users(all, push, 77);
  push.last_seq = 2;
  host.to_user(user_at(1), push);
  push.last_seq = 3;
  host.to_users(all, push, 0);
  run();
  ASSERT_EQ(front(0).pushes.size(), 2u);
  ASSERT_EQ(front(1).pushes.size(), 3u);
  EXPECT_EQ(front(0).pushes[0].users, (Users{user_at(0), user_at(0, 1)}));
  EXPECT_EQ(front(1).pushes[0].users, (Users{user_at(1), user_at(1, 1)}));
  EXPECT_EQ(front(0).pushes[0].except, 77u);
  EXPECT_EQ(front(1).pushes[0].except, 77u);
  EXPECT_EQ(front(1).pushes[1].users, Users{user_at(1)});
  for (const std::uint32_t home : {0u, 1u}) {
    EXPECT_EQ(front(home).pushes.front().last_seq, 1u);
    EXPECT_EQ(front(home).pushes.back().last_seq, 3u);
  }
  EXPECT_EQ(front(1).pushes[1].last_seq, 2u);
}

TEST_F(FrontsTest, PushesToSessionsGoToTheFrontThatHasThem) {
  connect_all();
  link(0).session_opened(caller_at(0, 10));
  link(1).session_opened(caller_at(1, 11));
  link(1).session_opened(caller_at(1, 12));
  run();
  host.to_sessions({12, 10, 11, 99}, Push());
  run();
  ASSERT_EQ(front(0).pushes.size(), 1u);
  ASSERT_EQ(front(1).pushes.size(), 1u);
  EXPECT_EQ(front(0).pushes[0].sessions, std::vector<std::uint64_t>{10});
  EXPECT_EQ(front(1).pushes[0].sessions, (std::vector<std::uint64_t>{12, 11}));
  link(1).session_closed(caller_at(1, 11));
  run();
  host.to_session(11, Push());
  run();
  EXPECT_EQ(front(0).pushes.size(), 1u);
  EXPECT_EQ(front(1).pushes.size(), 1u);
}

// --- one of them breaks ---

TEST_F(FrontsTest, AnAnswerGoesToTheFrontThatAsked) {
  connect_all();
  ask(0);
  ask(1);
  run();
  ASSERT_EQ(owner.replies.size(), 2u);
  owner.replies.at(1)(v1::ServerFrame());
  run();
  EXPECT_TRUE(homes[0]->answers.empty());
  EXPECT_EQ(homes[1]->answers, Log{"answered"});
  owner.replies.at(0)(v1::ServerFrame());
  run();
  EXPECT_EQ(homes[0]->answers, Log{"answered"});
  EXPECT_EQ(homes[1]->answers.size(), 1u);
}

TEST_F(FrontsTest, OnlyTheSessionsOfABrokenFrontAreClosed) {
  connect_all();
  link(0).session_opened(caller_at(0, 11));
  link(0).session_opened(caller_at(0, 10));
  link(1).session_opened(caller_at(1, 12));
  run();
  owner.log.clear();
  break_link(0);
  EXPECT_EQ(owner.log, (Log{"no session 10", "no session 11"}));
  EXPECT_FALSE(host.front(0).is_connected());
  EXPECT_TRUE(host.front(1).is_connected());
  host.to_sessions({10, 12}, Push());
  host.to_users(Users{user_at(0), user_at(1)}, Push(), 0);
  run();
  connect(0);
  run();
  EXPECT_TRUE(front(0).pushes.empty()) << "its sessions sync";
  ASSERT_EQ(front(1).pushes.size(), 2u);
  EXPECT_EQ(front(1).pushes[0].sessions, std::vector<std::uint64_t>{12});
  EXPECT_EQ(front(1).pushes[1].users, Users{user_at(1)});
}

TEST_F(FrontsTest, CallsOfOtherFrontsGoOnWhenOneBreaks) {
  connect_all();
  ask(0);
  ask(1);
  int looked = 0;
  link(1).with(ConversationId(), UserId(), [&](const auto& found) { looked += found.ok(); });
  run();
  break_link(0);
  EXPECT_EQ(homes[0]->answers, Log{"rejected"});
  EXPECT_TRUE(homes[1]->answers.empty());
  // The answer to the broken front reaches nobody, though the other one waits under the same number.
  owner.replies.at(0)(v1::ServerFrame());
  run();
  EXPECT_TRUE(homes[1]->answers.empty());
  owner.replies.at(1)(v1::ServerFrame());
  owner.looks.at(0)(nullptr);
  run();
  EXPECT_EQ(homes[1]->answers, Log{"answered"});
  EXPECT_EQ(looked, 1);
  ask(1);
  run();
  EXPECT_EQ(owner.replies.size(), 3u);
}

TEST_F(FrontsTest, OnlyTheQuestionsToABrokenFrontAreRejected) {
  connect_all();
  Log answers;
  const auto note = [&answers](const char* of) {
    return [&answers, of](const auto& result) {
      answers.push_back(std::string(of) + (result.ok() ? " answered" : " rejected"));
    };
  };
  host.relation(user_at(0), user_at(1), note("0"));
  host.relation(user_at(1), user_at(0), note("1"));
  run();
  break_link(0);
  EXPECT_EQ(answers, Log{"0 rejected"});
  host.relation(user_at(0), user_at(1), note("0"));
  host.consents(caller_at(0, 1), {}, note("0"));
  EXPECT_EQ(answers, (Log{"0 rejected", "0 rejected", "0 rejected"}));
  front(1).asked.at(0)(std::optional<Consent>());
  host.consents(caller_at(1, 1), {}, note("1"));
  run();
  EXPECT_EQ(answers, (Log{"0 rejected", "0 rejected", "0 rejected", "1 answered", "1 answered"}));
}

TEST_F(FrontsTest, EachFrontTellsTheSameSecret) {
  for (const std::uint32_t home : {0u, 1u}) link(home).set_secret("of pages");
  connect_all();
  EXPECT_EQ(owner.log, (Log{"secret of pages", "secret of pages"}));
}

}  // namespace
}  // namespace kith::server
