// SearchService: the hits of a session, and messages that it must not find.
#include "src/error.h"
#include "tests/unit/server/search_fixture.h"

namespace kith::server::testing {
namespace {

using Texts = std::vector<std::string>;

class SearchServiceTest : public SearchTest {
 protected:
  void SetUp() override {
    start_search();
    a = enter(ann, 1);
    b = enter(bob, 2);
    c = enter(cleo, 3);
    make_group(a, {bob});
  }
  void change(const Caller& caller, v1::MemberChangeKind kind, const UserId& user) {
    v1::ClientFrame frame;
    auto& change = *frame.mutable_member_change();
    change.set_conversation_id(group_id().bytes());
    change.set_command_id(message(static_cast<std::uint8_t>(200 + ++changes)).bytes());
    change.set_kind(kind);
    change.add_users(user.bytes());
    ASSERT_TRUE(ask(caller, frame).has_placed());
  }
  ErrorCode code(const v1::ServerFrame& answer) {
    EXPECT_TRUE(answer.has_error());
    return from_wire(answer.error()).code;
  }
  Caller a, b, c;
  int changes = 0;
};

TEST_F(SearchServiceTest, PagesGoFromTheNewestToTheOldest) {
  make_group(a, {bob}, group_id(2));
  for (std::uint8_t n = 1; n <= 45; ++n) {
    say(a, n, "tea " + std::to_string(n), group_id(n % 2 == 0 ? 1 : 2));
  }
  quiet();
  std::uint64_t before = 0;
  Texts all;
  std::vector<int> sizes;
  for (bool more = true; more;) {
    const v1::ServerFrame answer = search(b, "tea", before);
    const Texts page = texts(answer);
    sizes.push_back(static_cast<int>(page.size()));
    all.insert(all.end(), page.begin(), page.end());
    more = answer.search_page().more();
    if (!page.empty()) before = answer.search_page().hits().rbegin()->place();
  }
  EXPECT_EQ(sizes, (std::vector<int>{20, 20, 5}));
  ASSERT_EQ(all.size(), 45u);
  for (int i = 0; i < 45; ++i)
    EXPECT_EQ(all[static_cast<std::size_t>(i)], "tea " + std::to_string(45 - i));
  const v1::ServerFrame exactly = search(b, "\"tea 7\"", 0, 1);
  EXPECT_EQ(texts(exactly), (Texts{"tea 7"}));
  EXPECT_FALSE(exactly.search_page().more());
  EXPECT_EQ(texts(search(b, "tea", 0, 1'000)).size(), 45u);
}

TEST_F(SearchServiceTest, OneConversationAlone) {
  make_group(a, {bob}, group_id(2));
  say(a, 1, "tea here");
  say(a, 2, "tea there", group_id(2));
  quiet();
  EXPECT_EQ(found(b, "tea"), (Texts{"tea there", "tea here"}));
  EXPECT_EQ(texts(search(b, "tea", 0, 0, group_id(1).bytes())), (Texts{"tea here"}));
  EXPECT_TRUE(texts(search(c, "tea", 0, 0, group_id(1).bytes())).empty());
  EXPECT_TRUE(found(c, "tea").empty());
}

// R-47, invariant 9: the index knows nothing of who may read what.
TEST_F(SearchServiceTest, NothingOfBeforeOneJoinedOrAfterOneLeft) {
  say(a, 1, "tea before");
  change(a, v1::MEMBER_CHANGE_KIND_ADD, cleo);
  say(a, 2, "tea with cleo");
  change(a, v1::MEMBER_CHANGE_KIND_REMOVE, bob);
  for (std::uint8_t n = 3; n <= 80; ++n) say(a, n, "tea without bob");
  quiet();
  EXPECT_EQ(found(b, "tea"), (Texts{"tea with cleo", "tea before"}));
  EXPECT_EQ(texts(search(c, "tea", 0, 50)).size(), 50u);
  EXPECT_TRUE(found(c, "before").empty());
  EXPECT_EQ(found(c, "\"tea with cleo\""), (Texts{"tea with cleo"}));
}

TEST_F(SearchServiceTest, WhatIsWithheldIsFoundByItsSenderAlone) {
  quiet();
  LogRecord record;
  record.conversation = group_id();
  record.command_id = message(9);
  record.sender = ann;
  record.sender_only = true;
  v1::Content content;
  content.mutable_plain()->set_text("tea in secret");
  record.op = SendOp{content.SerializeAsString(), 0, {}, 0};
  cache.append(record, [](Result<Outcome>&& outcome) { EXPECT_TRUE(outcome.ok()); });
  quiet();
  EXPECT_EQ(found(a, "secret"), (Texts{"tea in secret"}));
  EXPECT_TRUE(found(b, "secret").empty());
}

//
TEST_F(SearchServiceTest, WhatTheIndexSaysIsLookedAtOnceMore) {
  say(a, 1, "tea");
  quiet();
  const std::uint64_t place = index_disk->messages.begin()->first;
  index_disk->messages[place].text = "coffee";
  index_disk->messages[place + 2'000] = {group_id(), 2, place + 2'000, "tea"};
  index_disk->messages[place + 2'001] = {group_id(), 99, place + 2'001, "tea"};
  index_disk->messages[place + 2'002] = {group_id(7), 1, place + 2'002, "tea"};
  EXPECT_TRUE(found(a, "coffee").empty());
  EXPECT_TRUE(found(a, "tea").empty());
}

TEST_F(SearchServiceTest, APageIsNoLargerThanAFrame) {
  for (std::uint8_t n = 1; n <= 20; ++n) say(a, n, "tea " + std::string(7'000, 'x'));
  quiet();
  std::size_t all = 0;
  std::uint64_t before = 0;
  for (bool more = true; more;) {
    const v1::ServerFrame answer = search(a, "tea", before, 50);
    EXPECT_LT(answer.ByteSizeLong(), limits::frame_bytes_max);
    ASSERT_GT(answer.search_page().hits_size(), 0);
    all += static_cast<std::size_t>(answer.search_page().hits_size());
    before = answer.search_page().hits().rbegin()->place();
    more = answer.search_page().more();
  }
  EXPECT_EQ(all, 20u);
}

TEST_F(SearchServiceTest, WhatGoesWrongIsATypedError) {
  EXPECT_EQ(code(search(a, " ?! ")), ErrorCode::kInvalidArgument);
  index_disk->read_fault = [] { return make_error(ErrorCode::kIo, "broken"); };
  EXPECT_EQ(code(search(a, "tea")), ErrorCode::kUnavailable) << "files are no matter of the wire";
  index_disk->read_fault = [] { return make_error(ErrorCode::kTimeout, "slow"); };
  const v1::ServerFrame slow = search(a, "tea");
  EXPECT_EQ(code(slow), ErrorCode::kOverloaded);
  EXPECT_GT(slow.error().retry_after_ms(), 0u);
  finder.emplace(nullptr, feed, router, loop);
  EXPECT_EQ(code(search(a, "tea")), ErrorCode::kUnimplemented);
}

TEST_F(SearchServiceTest, OnePersonHasFourAtATime) {
  say(a, 1, "tea");
  quiet();
  index_disk->delay = [] { return Millis(1'000); };
  int refused = 0, pages = 0;
  v1::ClientFrame frame;
  frame.mutable_search()->set_query("tea");
  const auto ask_for = [&](const Caller& caller) {
    finder->handle(caller, frame, [&](v1::ServerFrame&& answer) {
      if (answer.has_search_page()) return void(++pages);
      ++refused;
      EXPECT_EQ(code(answer), ErrorCode::kRateLimited);
    });
  };
  for (int n = 0; n < 6; ++n) ask_for(a);
  ask_for(b);
  EXPECT_EQ(refused, 2);
  loop.advance(Millis(5'000));
  EXPECT_EQ(pages, 5);
  ask_for(a);
  loop.advance(Millis(5'000));
  EXPECT_EQ(pages, 6);
}

// The hits found in time are returned, and the rest may be requested.
TEST_F(SearchServiceTest, APageThatBecomesLateIsShort) {
  for (std::uint8_t n = 1; n <= 30; ++n) say(a, n, "tea");
  for (std::uint8_t n = 31; n <= 40; ++n) say(a, n, "coffee");
  quiet();
  // The newest are no hits when they are looked at, so the index is asked a second time; then it is late.
  for (auto& [place, message] : index_disk->messages) message.text = "tea";
  int asked = 0;
  index_disk->read_fault = [&asked]() -> std::optional<Error> {
    if (++asked == 1) return std::nullopt;
    return make_error(ErrorCode::kTimeout, "slow");
  };
  const v1::ServerFrame page = search(a, "tea");
  ASSERT_TRUE(page.has_search_page()) << page.error().detail();
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(texts(page), Texts(11, "tea"));
  EXPECT_TRUE(page.search_page().more());
  index_disk->read_fault = nullptr;
  const std::uint64_t before = page.search_page().hits().rbegin()->place();
  EXPECT_EQ(texts(search(a, "tea", before, 50)), Texts(19, "tea"));
}

// Sixteen people with four each would take all places: the fewer are left, the fewer has one.
TEST_F(SearchServiceTest, AFewPeopleDoNotTakeAllPlaces) {
  say(a, 1, "tea");
  quiet();
  index_disk->delay = [] { return Millis(1'000); };
  v1::ClientFrame frame;
  frame.mutable_search()->set_query("tea");
  std::size_t honest = 0, others = 0;
  for (std::uint8_t n = 0; n < 100; ++n) {
    const Caller caller{UserId::of("mallory " + std::to_string(n / 5)), DeviceId(), 10u + n};
    finder->handle(caller, frame,
                   [&](v1::ServerFrame&& answer) { others += answer.has_search_page() ? 1 : 0; });
  }
  for (const Caller& caller : {a, b}) {
    finder->handle(caller, frame,
                   [&](v1::ServerFrame&& answer) { honest += answer.has_search_page() ? 1 : 0; });
  }
  loop.advance(Millis(5'000));
  EXPECT_EQ(honest, 2u);
  EXPECT_GE(others, limits::searches_running_max / 2);
  EXPECT_LT(others, limits::searches_running_max - 2);
}

// Work is charged to the account, and who has used up what they have waits.
TEST_F(SearchServiceTest, SearchesCostTheirAccount) {
  say(a, 1, "tea");
  quiet();
  std::map<UserId, std::uint32_t> cost;
  std::uint32_t wait = 0;
  finder->set_costs({[&wait](const Caller&) { return wait; },
                     [&cost](const Caller& caller, std::uint32_t ms) { cost[caller.user] += ms; }});
  EXPECT_EQ(found(a, "tea"), (Texts{"tea"}));
  EXPECT_GE(cost[ann], 1u);
  EXPECT_EQ(cost.size(), 1u);
  wait = 700;
  const v1::ServerFrame refused = search(a, "tea");
  EXPECT_EQ(code(refused), ErrorCode::kRateLimited);
  EXPECT_EQ(refused.error().retry_after_ms(), 700u);
}

TEST_F(SearchServiceTest, OnlySoManyAtATime) {
  say(a, 1, "tea");
  quiet();
  index_disk->delay = [] { return Millis(1'000); };
  std::size_t pages = 0, refused = 0;
  v1::ClientFrame frame;
  frame.mutable_search()->set_query("tea");
  for (std::size_t n = 0; n < limits::searches_running_max + 5; ++n) {
    const Caller caller{UserId::of("person " + std::to_string(n)), DeviceId(), 10 + n};
    finder->handle(caller, frame, [&](v1::ServerFrame&& answer) {
      answer.has_search_page() ? ++pages : ++refused;
    });
  }
  EXPECT_EQ(refused, 5u);
  loop.advance(Millis(5'000));
  EXPECT_EQ(pages, limits::searches_running_max);
  index_disk->delay = nullptr;
  EXPECT_EQ(found(a, "tea"), (Texts{"tea"}));
}

}  // namespace
}  // namespace kith::server::testing
