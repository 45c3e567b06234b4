// The code of the guides, run against a real server: people, groups, loops, trouble, the server.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "tests/integration/guide_fixture.h"

namespace guide {
namespace {

TEST_F(Guide, PeopleAreFoundByHandle) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  Recorder screen;
  find_person(*alice, "bob", screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 1; }));
  find_person(*alice, "nobody", screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 2; }));
  EXPECT_EQ(screen.said, (std::vector<std::string>{"bob", "Nobody is called nobody here."}));
}

TEST_F(Guide, PresenceAndTypingAreTold) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  Recorder screen;
  Lists lists(*bob, screen);
  const auto events = watch_events(*bob, screen);
  ASSERT_TRUE(greet(*alice, "bob").ok());
  ASSERT_TRUE(screen.shows([&] { return screen.list.size() == 1; }));
  watch_people(*bob, screen.list);
  EXPECT_TRUE(screen.shows([&] { return screen.present[user("alice")] == kc::Presence::kOnline; }));
  key_pressed(*alice, alice->direct("bob"), false);
  EXPECT_TRUE(screen.shows([&] { return screen.typists[user("alice")]; }));
  key_pressed(*alice, alice->direct("bob"), true);
  EXPECT_TRUE(screen.shows([&] { return !screen.typists[user("alice")]; }));
  alice->close();
  EXPECT_TRUE(
      screen.shows([&] { return screen.present[user("alice")] == kc::Presence::kOffline; }));
}

TEST_F(Guide, PrivacyIsKeptByTheServerForBothSides) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  const auto hidden =
      wait_for<void>([&](kc::Done<void> done) { hide_from_strangers(*alice, std::move(done)); });
  ASSERT_TRUE(hidden.ok()) << hidden.error().to_string();
  Recorder screen;
  Lists lists(*bob, screen);
  const auto events = watch_events(*bob, screen);
  ASSERT_TRUE(greet(*bob, "alice").ok());
  lists.open(bob->direct("alice"));
  bob->watch_presence({user("alice")});
  ASSERT_TRUE(screen.shows([&] {
    return screen.present.count(user("alice")) && !screen.messages.empty() &&
           ticks(screen.messages.back()) == "✓✓";
  }));
  EXPECT_EQ(screen.present[user("alice")], kc::Presence::kUnknown);
  EXPECT_EQ(screen.last_seen[user("alice")].ms, 0);
  ASSERT_TRUE(alice->mark_read(alice->direct("bob")).ok());
  ASSERT_TRUE(greet(*alice, "bob").ok());  // comes after the mark
  ASSERT_TRUE(screen.shows([&] { return !screen.messages.back().mine; }));
  EXPECT_EQ(ticks(screen.messages[screen.messages.size() - 2]), "✓✓");
}

TEST_F(Guide, NameIsChangedForOneselfAndForOthers) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  const auto renamed =
      wait_for<void>([&](kc::Done<void> done) { call_me(*alice, "Alice A.", std::move(done)); });
  ASSERT_TRUE(renamed.ok()) << renamed.error().to_string();
  EXPECT_EQ(alice->profile(user("alice"))->display_name, "Alice A.");
  Recorder screen;
  find_person(*bob, "alice", screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said == std::vector<std::string>{"Alice A."}; }));
  const auto refused = wait_for<void>(
      [&](kc::Done<void> done) { call_me(*alice, std::string(200, 'x'), std::move(done)); });
  EXPECT_EQ(refused.error().code, ErrorCode::kTooLarge);
}

TEST_F(Guide, DevicesAreListedAndTheLostOnesRevoked) {
  auto here = enter("alice");
  auto there = open_account(server->url(), "alice", dir + "/lost",
                            kc::fixed_token(token_for(kSecret, "alice")));
  ASSERT_TRUE(there.ok());
  Recorder lost;
  const auto events = watch_events(**there, lost);
  ASSERT_TRUE((*there)->wait_online(kPatience).ok());
  Recorder screen;
  show_devices(*here, screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 2; }));
  EXPECT_EQ(std::count_if(screen.said.begin(), screen.said.end(),
                          [](const auto& line) { return line.ends_with(" (this one)"); }),
            1);
  const auto done =
      wait_for<void>([&](kc::Done<void> told) { lost_all_but_this(*here, std::move(told)); });
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_TRUE(lost.shows([&] {
    return !lost.states.empty() && lost.states.back() == kc::ConnectionState::kSignedOut;
  }));
  EXPECT_EQ(here->connection(), kc::ConnectionState::kOnline);
  const auto left = wait_for<std::vector<kc::Device>>(
      [&](kc::Done<std::vector<kc::Device>> told) { here->devices(std::move(told)); });
  ASSERT_TRUE(left.ok());
  ASSERT_EQ(left->size(), 1u);
  EXPECT_TRUE(left->front().current && left->front().online);
  const auto nothing = wait_for<void>(
      [&](kc::Done<void> told) { here->revoke_device(kith::DeviceId(), std::move(told)); });
  EXPECT_EQ(nothing.error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Guide, APasswordIsChangedAndAnAccountEnds) {
  const std::string old = "correct horse battery", fresh = "staple it another time";
  std::string kept;
  const auto open = [&](const std::string& place, const std::string& password) {
    kc::ClientOptions options{
        .url = server->url(), .handle = "zoe", .cache_dir = dir + "/" + place};
    const auto token = account_token(options, password);
    if (!token) throw std::runtime_error(token.error().to_string());
    kept = *token;
    options.token = [&kept](const auto& answer) { answer(kept); };
    auto client = kc::Client::open(options);
    if (!client) throw std::runtime_error(client.error().to_string());
    (*client)->connect();
    EXPECT_TRUE((*client)->wait_online(kPatience).ok());
    return std::move(*client);
  };
  auto there = open("zoe-there", old);
  auto here = open("zoe-here", old);
  Recorder lost, screen;
  const auto events = watch_events(*there, lost);
  const auto keep = [&kept](const kc::Token& token) { kept = token.value; };
  change_password(*here, "not the password", fresh, keep, screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 1; }));
  EXPECT_EQ(screen.said[0].rfind("UNAUTHENTICATED", 0), 0u) << screen.said[0];
  change_password(*here, old, fresh, keep, screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 2; }));
  EXPECT_EQ(screen.said[1], "other devices are signed out");
  EXPECT_TRUE(lost.shows([&] {
    return !lost.states.empty() && lost.states.back() == kc::ConnectionState::kSignedOut;
  }));
  here->disconnect();  // it comes back with the new token: the ticket of before is refused
  here->connect();
  EXPECT_TRUE(here->wait_online(kPatience).ok());

  const auto wrong =
      wait_for<void>([&](kc::Done<void> done) { here->delete_account(old, std::move(done)); });
  EXPECT_EQ(wrong.error().code, ErrorCode::kUnauthenticated);
  const auto gone =
      wait_for<void>([&](kc::Done<void> done) { here->delete_account(fresh, std::move(done)); });
  EXPECT_TRUE(gone.ok()) << gone.error().to_string();
  here->connect();
  EXPECT_EQ(here->wait_online(kPatience).error().code, ErrorCode::kRevoked);

  auto bob = enter("bob");
  Recorder bobs;
  find_person(*bob, "zoe", bobs);
  EXPECT_TRUE(bobs.shows([&] { return !bobs.said.empty(); }));
  Recorder ended;
  const auto bobs_events = watch_events(*bob, ended);
  EXPECT_TRUE(forget(*server, "bob").ok());
  EXPECT_TRUE(ended.shows([&] {
    return !ended.states.empty() && ended.states.back() == kc::ConnectionState::kSignedOut;
  }));
  bob->connect();
  EXPECT_EQ(bob->wait_online(kPatience).error().code, ErrorCode::kRevoked);
}

TEST_F(Guide, ReadersAreNamedAndPrivacyIsKept) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  auto carol = enter("carol");
  const auto hidden =
      wait_for<void>([&](kc::Done<void> done) { hide_from_strangers(*carol, std::move(done)); });
  ASSERT_TRUE(hidden.ok());
  const auto people =
      wait_for<std::vector<kc::Profile>>([&](kc::Done<std::vector<kc::Profile>> done) {
        alice->find_users({"bob"}, std::move(done));
      });
  ASSERT_TRUE(people.ok());
  const auto group = plan_a_trip(*alice, {user("bob"), user("carol")});
  ASSERT_TRUE(group.ok());
  for (auto* reader : {carol.get(), bob.get()}) {
    Recorder theirs;
    Lists lists(*reader, theirs);
    ASSERT_TRUE(theirs.shows(
        [&] { return !theirs.list.empty() && theirs.list[0].last.text == "Who comes along?"; }));
    ASSERT_TRUE(reader->mark_read(*group).ok());
  }
  Recorder screen;
  Lists lists(*alice, screen);
  lists.open(*group);
  ASSERT_TRUE(screen.shows([&] {
    return !screen.messages.empty() && screen.messages.back().status == kith::DeliveryStatus::kRead;
  }));
  const kc::Message sent = screen.messages.back();
  const auto found = wait_for<kc::Readers>(
      [&](kc::Done<kc::Readers> done) { alice->readers(*group, sent.seq, std::move(done)); });
  ASSERT_TRUE(found.ok()) << found.error().to_string();
  EXPECT_EQ(found->read_count, 1u);
  EXPECT_EQ(found->delivered_count, 2u);
  EXPECT_EQ(found->member_count, 3u);
  ASSERT_EQ(found->members.size(), 2u);
  for (const kc::Reader& reader : found->members) {
    EXPECT_TRUE(reader.delivered);
    EXPECT_EQ(reader.read, reader.user == user("bob"));  // carol shares no receipts
  }
  show_readers(*alice, sent, screen);
  EXPECT_TRUE(screen.shows([&] { return !screen.said.empty(); }));
  EXPECT_EQ(screen.said, std::vector<std::string>{"read by bob"});
}

TEST_F(Guide, BlockedPersonIsNotHeard) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  Recorder screen;
  const auto events = watch_events(*alice, screen);
  const auto blocked =
      wait_for<void>([&](kc::Done<void> done) { block(*alice, user("bob"), std::move(done)); });
  ASSERT_TRUE(blocked.ok()) << blocked.error().to_string();
  EXPECT_TRUE(screen.shows([&] { return screen.blocks == std::vector{user("bob")}; }));
  ASSERT_TRUE(greet(*bob, "alice").ok());
  ASSERT_TRUE(bob->wait_sent(kPatience).ok());  // bob does not learn that he is blocked
  ASSERT_TRUE(greet(*alice, "bob").ok());
  ASSERT_TRUE(alice->wait_sent(kPatience).ok());
  const auto page = wait_for<std::vector<kc::Message>>([&](auto done) {
    load_older(*alice, alice->direct("bob"), {}, [done](auto rows) { done(std::move(rows)); });
  });
  ASSERT_TRUE(page.ok());
  for (const auto& message : *page) {
    EXPECT_TRUE(message.mine || message.kind == kith::MessageKind::kMembership) << message.text;
  }
}

TEST_F(Guide, GroupIsMadeHandedOverAndLeft) {
  auto alice = enter("alice");
  auto bob = enter("bob");
  const auto group = plan_a_trip(*alice, {user("bob")});
  ASSERT_TRUE(group.ok());
  ASSERT_TRUE(alice->wait_sent(kPatience).ok());
  const auto left = wait_for<void>([&](kc::Done<void> done) {
    hand_over_and_leave(*alice, *group, user("bob"), std::move(done));
  });
  ASSERT_TRUE(left.ok()) << left.error().to_string();
  const auto members =
      wait_for<std::vector<kc::Member>>([&](auto done) { bob->members(*group, std::move(done)); });
  ASSERT_TRUE(members.ok());
  ASSERT_EQ(members->size(), 1u);
  EXPECT_EQ(members->front().user, user("bob"));
  EXPECT_EQ(members->front().role, kith::MemberRole::kOwner);
  const auto again = wait_for<void>(
      [&](auto done) { alice->add_members(*group, {user("carol")}, std::move(done)); });
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code, ErrorCode::kNotMember);
  EXPECT_EQ(advice(again.error()).rfind("NOT_MEMBER", 0), 0u);
}

TEST_F(Guide, CallbacksRunOnTheApplicationsLoop) {
  auto loop = std::make_shared<MainLoop>();
  kc::ClientOptions options{.url = server->url(),
                            .handle = "alice",
                            .token = kc::fixed_token(token_for(kSecret, "alice")),
                            .executor = loop};
  auto alice = kc::Client::open(options);
  ASSERT_TRUE(alice.ok());
  bool online = false;
  const auto events = (*alice)->on_event([&, main = std::this_thread::get_id()](const auto& event) {
    EXPECT_EQ(std::this_thread::get_id(), main);
    const auto* state = std::get_if<kc::ConnectionChanged>(&event);
    online = online || (state && state->state == kc::ConnectionState::kOnline);
  });
  (*alice)->connect();
  while (!online) loop->run_one();  // bounded by the test's time-out
  (*alice)->close();
}

TEST_F(Guide, TwoAccountsLiveInOneProcess) {
  kc::ClientOptions options{.url = server->url(), .cache_dir = dir};
  options.token = kc::fixed_token("of nobody");
  auto clients = open_all({"alice", "bob"}, options);
  ASSERT_EQ(clients.size(), 2u);
  EXPECT_EQ(clients[1]->self(), user("bob"));
  for (auto& client : clients) client->connect();
  EXPECT_EQ(clients[0]->wait_online(kPatience).error().code, ErrorCode::kUnauthenticated);
}

TEST_F(Guide, TroubleWithTheCacheIsNamed) {
  kc::ClientOptions options{.url = server->url(),
                            .handle = "alice",
                            .token = kc::fixed_token(token_for(kSecret, "alice")),
                            .cache_dir = dir + "/alice"};
  Recorder screen;
  {
    auto first = open_or_say_why(options, screen);
    ASSERT_TRUE(first.ok());
    ASSERT_TRUE(greet(**first, "bob").ok());
    EXPECT_FALSE(open_or_say_why(options, screen).ok());
    EXPECT_EQ(screen.said.back(), "This account is open in another window.");
  }
  std::ofstream(options.cache_dir + "/cache.db") << std::string(8192, 'x');
  auto recovered = open_or_say_why(options, screen);
  ASSERT_TRUE(recovered.ok()) << recovered.error().to_string();
  const auto events = watch_events(**recovered, screen);
  EXPECT_TRUE(screen.shows([&] { return screen.said.size() == 2; }));
  auto bob = enter("bob");
  (*recovered)->connect();
  EXPECT_TRUE((*recovered)->wait_sent(kPatience).ok());  // the outbox was kept
  EXPECT_TRUE(std::filesystem::exists(options.cache_dir + "/cache.db.corrupt"));
}

class CookieJar : public Sessions {
 public:
  std::optional<ks::Identity> find(std::string_view cookie) const override {
    if (cookie != "alice's cookie") return std::nullopt;
    return ks::Identity{.handle = "alice", .display_name = "", .issued_ms = 1};
  }
};

TEST_F(Guide, ServerLetsInSessionsOfTheHostUntilTheyAreRevoked) {
  auto embedded = start_messenger(dir + "/server", host_sessions(std::make_shared<CookieJar>()));
  ASSERT_TRUE(embedded.ok()) << embedded.error().to_string();
  kc::ClientOptions options{.url = (*embedded)->url(), .handle = "alice"};
  options.token = kc::fixed_token("alice's cookie");
  auto alice = kc::Client::open(options);
  ASSERT_TRUE(alice.ok());
  Recorder screen;
  const auto events = watch_events(**alice, screen);
  (*alice)->connect();
  ASSERT_TRUE((*alice)->wait_online(kPatience).ok());
  EXPECT_EQ(health(**embedded).rfind("1 sessions, 0 messages", 0), 0u) << health(**embedded);
  ASSERT_TRUE(ban(**embedded, "alice").ok());
  EXPECT_TRUE(screen.shows([&] {
    return !screen.states.empty() && screen.states.back() == kc::ConnectionState::kSignedOut;
  }));
  EXPECT_EQ(screen.reasons.back().rfind("REVOKED", 0), 0u);
  (*alice)->connect();  // the cookie is older than the revocation
  EXPECT_EQ((*alice)->wait_online(kPatience).error().code, ErrorCode::kRevoked);
  shut_down(**embedded);
}

TEST_F(Guide, SecretsOfTheHostChangeWhileTheServerRuns) {
  const std::string old_secret(32, 'o');
  const std::string new_secret(32, 'n');
  ks::ServerOptions with;
  with.port = 0;
  with.authenticator = std::move(*ks::jwt_authenticator(old_secret));
  auto embedded = ks::Server::start(with);
  ASSERT_TRUE(embedded.ok()) << embedded.error().to_string();
  ks::Server& running = **embedded;
  const auto sign_in = [&](const std::string& secret) -> kith::Status {
    kc::ClientOptions options{.url = running.url(), .handle = "alice"};
    options.token = kc::fixed_token(token_for(secret, "alice"));
    auto alice = kc::Client::open(options);
    if (!alice) return alice.error();
    (*alice)->connect();
    return (*alice)->wait_online(kPatience);
  };
  EXPECT_TRUE(sign_in(old_secret).ok());
  EXPECT_EQ(sign_in(new_secret).error().code, ErrorCode::kUnauthenticated);
  ASSERT_TRUE(change_secret(running, with, new_secret, old_secret).ok());
  EXPECT_TRUE(sign_in(new_secret).ok());
  EXPECT_TRUE(sign_in(old_secret).ok());
  ASSERT_TRUE(change_secret(running, with, new_secret, "").ok());
  EXPECT_EQ(sign_in(old_secret).error().code, ErrorCode::kUnauthenticated);

  const auto refused = [&](const ks::ServerOptions& options) {
    const kith::Status done = running.reload(options);
    return done ? std::string() : done.error().message;
  };
  ks::ServerOptions wrong = with;
  wrong.trusted_proxies = {"10.0.0.0/8", "nowhere"};
  EXPECT_THAT(refused(wrong), testing::HasSubstr("trusted_proxies: 'nowhere'"));
  wrong = with;
  wrong.secret = "short";
  EXPECT_THAT(refused(wrong), testing::HasSubstr("secret must have"));
  wrong = with;
  wrong.tls_certificate_file = wrong.tls_key_file = "/nonexistent";
  EXPECT_THAT(refused(wrong), testing::HasSubstr("tls_certificate_file"));
  wrong = with;
  wrong.authenticator.reset();
  EXPECT_THAT(refused(wrong), testing::HasSubstr("authenticator is missing"));
  // `with` has the old secret, and not one of them was taken over.
  EXPECT_EQ(sign_in(old_secret).error().code, ErrorCode::kUnauthenticated);
  EXPECT_TRUE(sign_in(new_secret).ok());
  running.stop();
  EXPECT_EQ(running.reload(with).error().code, ErrorCode::kClosed);
}

}  // namespace
}  // namespace guide
