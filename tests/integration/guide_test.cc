// The code of docs/client_guide.md, run against a real server: opening, sending, reading.
#include <set>

#include "tests/integration/guide_fixture.h"

namespace guide {
namespace {

TEST_F(Guide, TokenComesFromTheBackEndWhichMayFailAtFirst) {
  FlakyBackEnd back_end("alice");
  Recorder screen;
  auto alice = open_account(server->url(), "alice", dir, token_from(back_end));
  ASSERT_TRUE(alice.ok()) << alice.error().to_string();
  const auto events = watch_events(**alice, screen);
  EXPECT_TRUE(screen.shows([&] {
    return !screen.states.empty() && screen.states.back() == kc::ConnectionState::kOnline;
  }));
  EXPECT_EQ(back_end.calls, 2);
}

TEST_F(Guide, RefusedByTheBackEndIsSignedOut) {
  FlakyBackEnd back_end("alice");
  back_end.calls = 1;
  back_end.refuse = true;
  auto alice = open_account(server->url(), "alice", dir, token_from(back_end));
  ASSERT_TRUE(alice.ok());
  EXPECT_EQ((*alice)->wait_online(kPatience).error().code, ErrorCode::kUnauthenticated);
  EXPECT_EQ((*alice)->connection(), kc::ConnectionState::kSignedOut);
  EXPECT_EQ(back_end.calls, 2);
}

TEST_F(Guide, PasswordMakesAnAccountAndSignsInLater) {
  kc::ClientOptions options{.url = server->url(), .handle = "alice", .cache_dir = dir + "/alice"};
  const auto fresh = account_token(options, "correct horse battery");
  ASSERT_TRUE(fresh.ok()) << fresh.error().to_string();
  options.token = kc::fixed_token(*fresh);
  auto alice = kc::Client::open(options);
  ASSERT_TRUE(alice.ok()) << alice.error().to_string();
  (*alice)->connect();
  EXPECT_TRUE((*alice)->wait_online(kPatience).ok());
  const auto later = account_token(options, "correct horse battery");  // while it is open
  ASSERT_TRUE(later.ok()) << later.error().to_string();
  EXPECT_EQ(account_token(options, "wrong horse battery").error().code,
            ErrorCode::kUnauthenticated);
}

TEST_F(Guide, ListsFollowAConversationAndTicksRise) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  Recorder at_alice, at_bob;
  Lists alices(*alice, at_alice);
  Lists bobs(*bob, at_bob);
  const auto bobs_events = watch_events(*bob, at_bob);
  const auto chat = alice->direct("bob");
  alices.open(chat);
  bobs.open(chat);
  const auto id = greet(*alice, "bob");
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(at_alice.shows(
      [&] { return !at_alice.messages.empty() && ticks(at_alice.messages.back()) == "✓✓"; }));
  EXPECT_TRUE(at_bob.shows([&] {
    return !at_bob.messages.empty() && at_bob.messages.back().text == "Hello!" &&
           !at_bob.list.empty() && at_bob.list.front().unread == 1 && at_bob.notified.size() == 1;
  }));
  ASSERT_TRUE(answer(*bob, at_bob.messages.back(), "Hi!").ok());
  shown_to_the_person(*bob, at_bob.list.front());
  EXPECT_TRUE(at_alice.shows([&] {
    const auto& rows = at_alice.messages;
    return !rows.empty() && rows.back().text == "Hi!" && rows.back().reply_to_id == *id &&
           ticks(rows[rows.size() - 2]) == "✓✓ read";
  }));
  EXPECT_TRUE(at_bob.shows([&] { return at_bob.list.front().unread == 0; }));
}

TEST_F(Guide, OwnMessageIsOneRowAndNewOnce) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  std::mutex mutex;
  std::map<kith::MessageId, int> announced;
  std::promise<void> delivered;
  const auto events = alice->on_event([&](const kc::Event& event) {
    const auto* changed = std::get_if<kc::MessageChanged>(&event);
    if (!changed || changed->message.kind != kith::MessageKind::kText) return;
    const std::lock_guard lock(mutex);
    announced[changed->message.id] += changed->is_new ? 1 : 0;
    if (changed->message.status == kith::DeliveryStatus::kDelivered) delivered.set_value();
  });
  const auto id = greet(*alice, "bob");
  ASSERT_TRUE(id.ok());
  ASSERT_EQ(delivered.get_future().wait_for(kPatience), std::future_status::ready);
  const std::lock_guard lock(mutex);
  ASSERT_EQ(announced.size(), 1u);
  EXPECT_EQ(announced[*id], 1);
}

TEST_F(Guide, OlderPagesComeUntilTheBeginning) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  for (int i = 0; i < 120; ++i) ASSERT_TRUE(greet(*alice, "bob").ok());
  ASSERT_TRUE(alice->wait_sent(kPatience).ok());
  std::vector<kc::Message> shown;
  for (bool more = true; more;) {
    const auto page = wait_for<std::vector<kc::Message>>([&](auto done) {
      load_older(*bob, bob->direct("alice"), shown, [done](auto rows) { done(std::move(rows)); });
    });
    ASSERT_TRUE(page.ok());
    more = !page->empty();
    shown.insert(shown.begin(), page->begin(), page->end());
  }
  std::set<kith::MessageId> ids;
  for (const auto& message : shown) ids.insert(message.id);
  EXPECT_EQ(ids.size(), 121u);  // and the line that says how it began
  EXPECT_EQ(shown.size(), ids.size());
  EXPECT_EQ(shown.front().seq, kith::Seq(1));
}

TEST_F(Guide, WordsAreFoundAndAHitIsOpenedInItsPlace) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  const auto chat = alice->direct("bob");
  for (const char* text : {"the first word", "Grüße!", "the last word"})
    ASSERT_TRUE(alice->send(chat, text).ok());
  ASSERT_TRUE(alice->wait_sent(kPatience).ok());
  const auto read = wait_for<std::vector<kc::Message>>(
      [&](auto done) { load_older(*bob, chat, {}, [done](auto rows) { done(std::move(rows)); }); });
  ASSERT_TRUE(read.ok());
  Recorder screen;
  show_hits(*bob, {.text = "WOR", .limit = 1}, screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 3; }));
  EXPECT_TRUE(screen.shows([&] {
    return screen.said[0] == "the last [wor]d" && screen.said[1] == "the first [wor]d" &&
           screen.said[2].starts_with("That is all");
  }));
  const auto page = wait_for<kc::SearchPage>(
      [&](auto done) { bob->search({.text = "grusse"}, std::move(done)); });
  ASSERT_TRUE(page.ok()) << page.error().to_string();
  ASSERT_EQ(page->hits.size(), 1u);
  EXPECT_EQ(emphasised(page->hits[0]), "[Grüße]!");
  const auto around = wait_for<std::vector<kc::Message>>(
      [&](auto done) { open_hit(*bob, page->hits[0], std::move(done)); });
  ASSERT_TRUE(around.ok());
  EXPECT_EQ(around->back().id, page->hits[0].message.id);
  EXPECT_EQ(around->at(around->size() - 2).text, "the first word");
}

TEST_F(Guide, MessageToNobodyFailsAndIsDiscarded) {
  auto alice = enter("alice");
  Recorder screen;
  Lists lists(*alice, screen);
  lists.open(alice->direct("nobody"));
  ASSERT_TRUE(greet(*alice, "nobody").ok());
  ASSERT_TRUE(screen.shows(
      [&] { return !screen.messages.empty() && ticks(screen.messages.back()) == "!"; }));
  EXPECT_EQ(screen.messages.back().failure, ErrorCode::kNotFound);
  EXPECT_TRUE(alice->wait_sent(kPatience).ok());
  ASSERT_TRUE(after_failure(*alice, screen.messages.back(), false).ok());
  EXPECT_TRUE(screen.shows([&] { return screen.messages.empty(); }));
}

TEST_F(Guide, OfflineMessagesLeaveAfterARestart) {
  auto bob = enter("bob");
  kc::ClientOptions options{.url = server->url(),
                            .handle = "alice",
                            .token = kc::fixed_token(token_for(kSecret, "alice")),
                            .cache_dir = dir + "/alice"};
  kith::MessageId id;
  {
    auto offline = kc::Client::open(options);
    ASSERT_TRUE(offline.ok());
    const auto sent = greet(**offline, "bob");
    ASSERT_TRUE(sent.ok());
    id = *sent;
  }
  auto alice = enter("alice");
  ASSERT_TRUE(alice->wait_sent(kPatience).ok());
  Recorder screen;
  Lists lists(*bob, screen);
  lists.open(bob->direct("alice"));
  EXPECT_TRUE(
      screen.shows([&] { return !screen.messages.empty() && screen.messages.back().id == id; }));
}

}  // namespace
}  // namespace guide
