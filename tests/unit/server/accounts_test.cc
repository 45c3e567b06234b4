// Passwords that change, accounts that end and tokens that are revoked, through the whole core of the
// server, with crashes in the middle.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "kith/v1/frame.pb.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/server_core.h"
#include "src/split_mix.h"
#include "src/uuid.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;
using Life = DirectoryMemory::Account::Life;

const std::string kHostSecret(32, 'h');
const std::string kOld = "the old password";
const std::string kNew = "quite another one";

DeviceId device(std::uint8_t n) {
  return DeviceId(std::array<std::uint8_t, 16>{n});
}

class AccountsTest : public ::testing::Test {
 protected:
  struct Process {
    Process(AccountsTest& test, const ServerOptions& options)
        : log(test.log_disk, test.loop),
          store(test.store_disk, test.loop),
          feeds(test.feed_disk, test.loop),
          directory(test.people, test.loop),
          registry(test.loop),
          core(ServerCore::make(options,
                                {{{log, store}}, feeds, directory, registry, bus, test.passwords},
                                test.loop, test.random, test.sockets)) {
      EXPECT_TRUE(core->start().ok());
    }
    CommandLogMemory log;
    ConversationStoreMemory store;
    FeedStoreMemory feeds;
    DirectoryMemory directory;
    SessionRegistryMemory registry;
    BusMemory bus;
    std::unique_ptr<ServerCore> core;
  };

  AccountsTest() {
    options.secret = std::string(32, 's');
    options.register_accounts = true;
    options.account_commands_burst = 10'000;
    options.address_registrations_per_h = 0;
    options.authenticator = std::move(*jwt_authenticator(kHostSecret, loop.clock()));
    restart();
  }
  void restart() {
    process.reset();
    process = std::make_unique<Process>(*this, options);
    loop.settle();
  }
  ServerCore& core() { return *process->core; }

  ConnectionId open() {
    const ConnectionId id{0, ++opened, 1};
    core().on_open(id, {});
    return id;
  }
  // The answer to one request; nothing else may be left open by it.
  v1::ServerFrame ask(ConnectionId id, v1::ClientFrame frame) {
    frame.set_req_id(++asked);
    core().on_message(id, *encode(frame));
    loop.advance(100ms);
    for (const v1::ServerFrame& answer : sockets.frames[id]) {
      if (answer.reply_to() == asked) return answer;
    }
    return {};
  }
  v1::ErrorCode refused(ConnectionId id, const v1::ClientFrame& frame) {
    return ask(id, frame).error().code();
  }
  v1::SignedIn enroll(const std::string& handle, std::uint8_t n) {
    v1::ClientFrame frame;
    frame.mutable_register_()->set_handle(handle);
    frame.mutable_register_()->set_password(kOld);
    frame.mutable_register_()->set_device_id(device(n).bytes());
    return ask(open(), frame).signed_in();
  }
  v1::ServerFrame password_login(const std::string& handle, const std::string& password,
                                 std::uint8_t n) {
    v1::ClientFrame frame;
    frame.mutable_sign_in()->set_handle(handle);
    frame.mutable_sign_in()->set_password(password);
    frame.mutable_sign_in()->set_device_id(device(n).bytes());
    return ask(open(), frame);
  }
  static v1::ClientFrame hello(std::uint8_t n, const std::string& token) {
    v1::ClientFrame frame;
    frame.mutable_hello()->set_major(1);
    frame.mutable_hello()->set_device_id(device(n).bytes());
    frame.mutable_hello()->set_access_token(token);
    return frame;
  }
  static v1::ClientFrame resume(std::uint8_t n, const std::string& ticket) {
    v1::ClientFrame frame = hello(n, "");
    frame.mutable_hello()->set_resume_ticket(ticket);
    return frame;
  }
  // A session, or no connection.
  ConnectionId come_in(std::uint8_t n, const std::string& token) {
    const ConnectionId id = open();
    const v1::ServerFrame answer = ask(id, hello(n, token));
    EXPECT_TRUE(answer.has_welcome()) << answer.error().detail();
    tickets[id] = answer.welcome().resume_ticket();
    return id;
  }
  v1::ErrorCode turned_away(std::uint8_t n, const std::string& token) {
    return refused(open(), hello(n, token));
  }
  // Each one another, as of a host that gives its tokens ids.
  std::string host_token(const std::string& handle, bool dated = true) {
    loop.advance(5ms);
    const std::int64_t now = loop.clock().wall().ms;
    return make_jwt(kHostSecret, {handle, "", dated ? now : 0, now + 3'600'000,
                                  "token " + std::to_string(++tokens_made)});
  }
  std::uint16_t closed(ConnectionId id) {
    return sockets.closed.count(id) ? sockets.closed[id] : 0;
  }
  Status remove(const UserId& user) {
    std::optional<Status> removed;
    core().delete_account(user, [&](Status status) { removed = std::move(status); });
    loop.advance(100ms);
    return removed.value_or(make_error(ErrorCode::kTimeout, "not answered"));
  }
  static v1::ClientFrame end_device(std::uint8_t n) {
    v1::ClientFrame frame;
    frame.mutable_revoke_device();
    if (n != 0) frame.mutable_revoke_device()->set_device_id(device(n).bytes());
    return frame;
  }
  static v1::ClientFrame new_password(const std::string& old, const std::string& fresh) {
    v1::ClientFrame frame;
    frame.mutable_change_password()->set_old_password(old);
    frame.mutable_change_password()->set_new_password(fresh);
    return frame;
  }
  static v1::ClientFrame farewell(const std::string& password) {
    v1::ClientFrame frame;
    frame.mutable_delete_account()->set_password(password);
    return frame;
  }
  ConversationId make_group(ConnectionId owner, const std::vector<UserId>& others) {
    const MessageId id = ids.next();
    std::string bytes = ids.next().bytes();
    bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // as random ones are: version 4
    v1::ClientFrame frame;
    auto& create = *frame.mutable_create_conversation();
    create.set_conversation_id(bytes);
    create.set_command_id(id.bytes());
    for (const UserId& user : others) create.add_members(user.bytes());
    const v1::ServerFrame answer = ask(owner, frame);
    EXPECT_TRUE(answer.has_placed()) << answer.error().detail();
    return *ConversationId::from_bytes(bytes);
  }
  v1::ServerFrame write(ConnectionId from, const UserId& me, const UserId& to,
                        const std::string& text, std::string* id = nullptr) {
    v1::Content content;
    content.mutable_plain()->set_text(text);
    v1::ClientFrame frame;
    frame.mutable_send()->set_conversation_id(ConversationId::direct(me, to).bytes());
    frame.mutable_send()->set_direct_peer(to.bytes());
    auto* item = frame.mutable_send()->add_items();
    item->set_message_id(id != nullptr && !id->empty() ? *id : ids.next().bytes());
    if (id != nullptr) *id = item->message_id();
    item->set_content(content.SerializeAsString());
    return ask(from, frame);
  }
  std::vector<v1::Member> members(ConnectionId asking, const ConversationId& group) {
    v1::ClientFrame frame;
    frame.mutable_get_members()->set_conversation_id(group.bytes());
    const v1::ServerFrame answer = ask(asking, frame);
    return {answer.members_page().members().begin(), answer.members_page().members().end()};
  }
  Life life(const UserId& user) { return people->accounts.at(user).life; }

  testing::VirtualLoop loop;
  SplitMix random{1};
  testing::FakeSockets sockets;
  testing::PlainPasswords passwords{loop};
  std::shared_ptr<CommandLogMemory::Disk> log_disk = std::make_shared<CommandLogMemory::Disk>();
  std::shared_ptr<FeedStoreMemory::Disk> feed_disk = std::make_shared<FeedStoreMemory::Disk>();
  std::shared_ptr<ConversationStoreMemory::Disk> store_disk =
      std::make_shared<ConversationStoreMemory::Disk>();
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
  ServerOptions options;
  std::unique_ptr<Process> process;
  UuidGenerator ids{loop.clock(), random};
  std::map<ConnectionId, std::string> tickets;
  std::uint32_t opened = 0;
  std::uint64_t asked = 0;
  int tokens_made = 0;
  const UserId ann = UserId::of("ann"), bob = UserId::of("bob");
};

// --- passwords ---

TEST_F(AccountsTest, ANewPasswordEndsWhatWasMadeWithTheOldOneAndThisSessionGoesOn) {
  const std::string first = enroll("ann", 1).access_token();
  const std::string second = password_login("ann", kOld, 2).signed_in().access_token();
  const ConnectionId here = come_in(1, first);
  const ConnectionId there = come_in(2, second);
  const v1::ServerFrame answer = ask(here, new_password(kOld, kNew));
  ASSERT_TRUE(answer.has_signed_in()) << answer.error().detail();
  EXPECT_EQ(closed(there), 4401);
  EXPECT_EQ(closed(here), 0);
  v1::ClientFrame still;
  still.mutable_get_devices();
  EXPECT_TRUE(ask(here, still).has_devices_page());
  const std::string fresh = answer.signed_in().access_token();
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(turned_away(1, first), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(turned_away(2, second), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(refused(open(), resume(1, tickets[here])), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(refused(open(), resume(2, tickets[there])), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(password_login("ann", kOld, 3).error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
    EXPECT_TRUE(password_login("ann", kNew, 3).has_signed_in());
    const ConnectionId again = come_in(1, fresh);
    EXPECT_TRUE(ask(open(), resume(1, tickets[again])).has_welcome());
    restart();
  }
}

TEST_F(AccountsTest, TheOldPasswordMustBeRightAndTheAccountOnesOwn) {
  const ConnectionId here = come_in(1, enroll("ann", 1).access_token());
  EXPECT_EQ(refused(here, new_password("not the password", kNew)), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(refused(here, farewell("not the password")), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(closed(here), 0);
  EXPECT_TRUE(password_login("ann", kOld, 1).has_signed_in());
  const ConnectionId guest = come_in(1, host_token("bob"));
  EXPECT_EQ(refused(guest, new_password(kOld, kNew)), v1::ERROR_CODE_PERMISSION_DENIED);
  EXPECT_EQ(refused(guest, farewell(kOld)), v1::ERROR_CODE_PERMISSION_DENIED);
}

// The second has proven the password that the first has replaced meanwhile.
TEST_F(AccountsTest, OfTwoChangesAtOnceOneIsRefused) {
  const ConnectionId here = come_in(1, enroll("ann", 1).access_token());
  const ConnectionId thief = come_in(2, password_login("ann", kOld, 2).signed_in().access_token());
  v1::ClientFrame mine = new_password(kOld, kNew);
  v1::ClientFrame theirs = new_password(kOld, "what the thief wants");
  mine.set_req_id(501);
  theirs.set_req_id(502);
  core().on_message(here, *encode(mine));
  core().on_message(thief, *encode(theirs));
  loop.advance(1s);
  EXPECT_TRUE(sockets.frames[here].back().has_signed_in());
  EXPECT_EQ(closed(here), 0);
  EXPECT_EQ(closed(thief), 4401);
  EXPECT_TRUE(password_login("ann", kNew, 3).has_signed_in());
  EXPECT_TRUE(password_login("ann", "what the thief wants", 3).has_error());
}

// Hashing takes its time, and more of it while others sign in, too.
TEST_F(AccountsTest, APasswordThatIsReplacedWhileItIsLookedAtOpensNothing) {
  const ConnectionId here = come_in(1, enroll("ann", 1).access_token());
  const ConnectionId thief = come_in(2, password_login("ann", kOld, 2).signed_in().access_token());
  passwords.slow = true;
  password_login("ann", kOld, 3);
  const std::uint64_t sign_in = asked;
  ask(thief, farewell(kOld));
  ASSERT_EQ(passwords.waiting.size(), 2U);
  passwords.slow = false;
  ASSERT_TRUE(ask(here, new_password(kOld, kNew)).has_signed_in());
  for (const auto& answer : passwords.waiting) answer();
  loop.advance(1s);
  const v1::ServerFrame told = sockets.frames[ConnectionId{0, opened, 1}].back();
  EXPECT_EQ(told.reply_to(), sign_in);
  EXPECT_EQ(told.error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
  EXPECT_EQ(life(ann), Life::kActive);
  EXPECT_TRUE(password_login("ann", kNew, 3).has_signed_in());
}

TEST_F(AccountsTest, TheOperatorSetsAPassword) {
  const std::string token = enroll("ann", 1).access_token();
  const ConnectionId here = come_in(1, token);
  come_in(9, host_token("bob"));
  std::map<std::string, ErrorCode> answers;
  const auto set = [&](const std::string& handle) {
    core().set_password(UserId::of(handle), kNew, [&answers, handle](const Status& status) {
      answers[handle] = status ? ErrorCode::kCancelled : status.error().code;
    });
    loop.advance(100ms);
  };
  for (const char* handle : {"ann", "bob", "nobody"}) set(handle);
  EXPECT_EQ(answers["ann"], ErrorCode::kCancelled) << "it is set";
  EXPECT_EQ(answers["bob"], ErrorCode::kPermissionDenied) << "the host's";
  EXPECT_EQ(answers["nobody"], ErrorCode::kNotFound);
  EXPECT_EQ(closed(here), 4401);
  EXPECT_EQ(turned_away(1, token), v1::ERROR_CODE_REVOKED);
  EXPECT_TRUE(password_login("ann", kNew, 1).has_signed_in());
}

// --- revocation of a host's tokens ---

TEST_F(AccountsTest, ARevokedHostTokenComesBackWithNoDevice) {
  const std::string mine = host_token("ann"), stolen = host_token("ann");
  const ConnectionId here = come_in(1, mine);
  const ConnectionId thief = come_in(2, stolen);
  EXPECT_TRUE(ask(here, end_device(2)).has_ack());
  EXPECT_EQ(closed(thief), 4401);
  for (int life = 0; life < 2; ++life) {
    for (const std::uint8_t n : {1, 2, 3}) {
      EXPECT_EQ(turned_away(n, stolen), v1::ERROR_CODE_REVOKED) << int{n};
    }
    EXPECT_EQ(refused(open(), resume(2, tickets[thief])), v1::ERROR_CODE_REVOKED);
    come_in(1, mine);
    EXPECT_TRUE(ask(open(), resume(1, tickets[here])).has_welcome());
    restart();
  }
  come_in(2, host_token("ann"));  // the person is let in by the host again
  EXPECT_EQ(turned_away(3, stolen), v1::ERROR_CODE_REVOKED);
}

// --- the server's clock was wrong for a while ---

constexpr Millis kYear = 365 * 24h;

TEST_F(AccountsTest, WhoRegisteredWhileTheClockWasAheadComesInWhenItIsRight) {
  loop.wall_jump = kYear;
  const std::string token = enroll("dave", 1).access_token();
  come_in(1, token);
  loop.wall_jump = 0h;
  come_in(1, token);
  restart();
  come_in(1, token);
}

TEST_F(AccountsTest, WhatWasRevokedWhileTheClockWasAheadIsNotRevokedUntilThen) {
  enroll("dave", 1);
  loop.wall_jump = kYear;
  const std::string own = password_login("dave", kOld, 1).signed_in().access_token();
  const ConnectionId id = come_in(1, own);
  v1::ClientFrame all;
  all.mutable_revoke_device();
  EXPECT_TRUE(ask(id, all).has_ack());
  v1::ClientFrame one;
  one.mutable_revoke_device()->set_device_id(device(2).bytes());
  password_login("dave", kOld, 2);
  loop.advance(1s);
  come_in(2, password_login("dave", kOld, 2).signed_in().access_token());
  EXPECT_TRUE(ask(id, one).has_ack());
  loop.wall_jump = 0h;
  loop.advance(1s);
  const std::string fresh = password_login("dave", kOld, 1).signed_in().access_token();
  come_in(1, fresh);
  come_in(2, password_login("dave", kOld, 2).signed_in().access_token());
  restart();
  loop.advance(1s);
  come_in(1, fresh);
}

// The clock stepped back between the sign-in and the end of its token: as far as clocks step by
// themselves, and further. It does not come to life when the clock gets to where it had been.
TEST_F(AccountsTest, WhatWasEndedAfterTheClockSteppedBackStaysEnded) {
  loop.advance(48h);
  for (const auto step : {-30s, -59s, -7200s}) {
    const std::string handle = "eve" + std::to_string(-step.count());
    loop.wall_jump = 0h;
    const std::string token = enroll(handle, 1).access_token();
    const std::string stolen = password_login(handle, kOld, 2).signed_in().access_token();
    const ConnectionId here = come_in(1, token);
    const ConnectionId there = come_in(2, stolen);
    const std::string ticket = tickets[there];
    loop.wall_jump = step;
    v1::ClientFrame one;
    one.mutable_revoke_device()->set_device_id(device(2).bytes());
    EXPECT_TRUE(ask(here, one).has_ack());
    EXPECT_EQ(turned_away(2, stolen), v1::ERROR_CODE_REVOKED);
    EXPECT_TRUE(ask(open(), resume(2, ticket)).has_error());
    v1::ClientFrame all;
    all.mutable_revoke_device();
    EXPECT_TRUE(ask(here, all).has_ack());
    // Signing in anew is good at once.
    come_in(2, password_login(handle, kOld, 2).signed_in().access_token());
    come_in(3, password_login(handle, kOld, 3).signed_in().access_token());
    loop.wall_jump = 0h;
    loop.advance(1min);
    EXPECT_EQ(turned_away(2, stolen), v1::ERROR_CODE_REVOKED) << step.count();
    EXPECT_TRUE(ask(open(), resume(2, ticket)).has_error());
  }
}

TEST_F(AccountsTest, ATokenOfAWrongClockIsEndedByARightRevocation) {
  loop.wall_jump = kYear;
  const std::string lost = enroll("dave", 1).access_token();
  come_in(1, lost);
  loop.wall_jump = 0h;
  const ConnectionId id = come_in(2, password_login("dave", kOld, 2).signed_in().access_token());
  v1::ClientFrame all;
  all.mutable_revoke_device();
  EXPECT_TRUE(ask(id, all).has_ack());
  loop.advance(1s);
  EXPECT_EQ(turned_away(1, lost), v1::ERROR_CODE_REVOKED);
  come_in(1, password_login("dave", kOld, 1).signed_in().access_token());
}

// The promised minute: the token comes in with it, and the session lasts as long.
TEST_F(AccountsTest, ASessionLivesToTheEndOfTheLeeway) {
  const std::int64_t now = loop.clock().wall().ms;
  const std::string token = make_jwt(kHostSecret, {"hostess", "", now - 60'000, now - 30'000, "t"});
  const ConnectionId id = come_in(1, token);
  loop.advance(20s);
  EXPECT_EQ(closed(id), 0);
  EXPECT_TRUE(ask(open(), resume(1, tickets[id])).has_welcome());
  loop.advance(20s);
  EXPECT_EQ(turned_away(1, token), v1::ERROR_CODE_TOKEN_EXPIRED);
}

TEST_F(AccountsTest, AHostTokenWithoutATimeIsRevokedAsWell) {
  const std::string mine = host_token("ann", false), stolen = host_token("ann", false);
  const ConnectionId here = come_in(1, mine);
  come_in(2, stolen);
  EXPECT_TRUE(ask(here, end_device(2)).has_ack());
  EXPECT_EQ(turned_away(3, stolen), v1::ERROR_CODE_REVOKED);
  come_in(1, mine);
  core().revoke(ann, nullptr, [](const Status& status) { EXPECT_TRUE(status.ok()); });
  loop.advance(1s);
  EXPECT_EQ(turned_away(1, mine), v1::ERROR_CODE_REVOKED);
}

TEST_F(AccountsTest, EveryTokenThatADeviceRenewedWithIsRevokedHoweverManyThereWere) {
  const ConnectionId here = come_in(1, host_token("ann"));
  std::vector<std::string> stolen = {host_token("ann")};
  const ConnectionId thief = come_in(2, stolen[0]);
  for (std::size_t i = 0; i < 2 * limits::device_tokens_max; ++i) {
    stolen.push_back(host_token("ann"));
    v1::ClientFrame renew;
    renew.mutable_renew_token()->set_access_token(stolen.back());
    EXPECT_TRUE(ask(thief, renew).has_ack());
  }
  EXPECT_TRUE(ask(here, end_device(2)).has_ack());
  for (const std::string& token : stolen) EXPECT_EQ(turned_away(3, token), v1::ERROR_CODE_REVOKED);
  for (const std::string& token : stolen) EXPECT_EQ(turned_away(1, token), v1::ERROR_CODE_REVOKED);
  come_in(1, host_token("ann"));
}

TEST_F(AccountsTest, AllOthersAreAlsoThoseThatNeverCameIn) {
  const std::string unused = host_token("ann"), other = host_token("ann"), mine = host_token("ann");
  const ConnectionId there = come_in(2, other);
  const ConnectionId here = come_in(1, mine);
  EXPECT_TRUE(ask(here, end_device(0)).has_ack());
  EXPECT_EQ(closed(there), 4401);
  EXPECT_EQ(closed(here), 0);
  EXPECT_EQ(turned_away(3, other), v1::ERROR_CODE_REVOKED);
  EXPECT_EQ(turned_away(1, other), v1::ERROR_CODE_REVOKED);
  EXPECT_EQ(turned_away(4, unused), v1::ERROR_CODE_REVOKED);
  EXPECT_EQ(turned_away(1, unused), v1::ERROR_CODE_REVOKED);
  EXPECT_EQ(turned_away(5, mine), v1::ERROR_CODE_REVOKED) << "good for its device alone";
  come_in(1, mine);
  EXPECT_TRUE(ask(open(), resume(1, tickets[here])).has_welcome());
  come_in(6, host_token("ann"));
}

TEST_F(AccountsTest, AllOthersOfAnOwnAccount) {
  const std::string mine = enroll("ann", 1).access_token();
  const std::string other = password_login("ann", kOld, 2).signed_in().access_token();
  const std::string unused = password_login("ann", kOld, 3).signed_in().access_token();
  const ConnectionId there = come_in(2, other);
  const ConnectionId here = come_in(1, mine);
  EXPECT_TRUE(ask(here, end_device(0)).has_ack());
  EXPECT_EQ(closed(there), 4401);
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(turned_away(2, other), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(turned_away(3, unused), v1::ERROR_CODE_REVOKED);
    come_in(1, mine);
    EXPECT_TRUE(ask(open(), resume(1, tickets[here])).has_welcome());
    restart();
  }
  come_in(2, password_login("ann", kOld, 2).signed_in().access_token());
}

// --- the end of an account ---

TEST_F(AccountsTest, ADeletedAccountIsGoneAndItsHandleIsTakenForEver) {
  const std::string token = enroll("ann", 1).access_token();
  const std::string tablet = password_login("ann", kOld, 2).signed_in().access_token();
  const ConnectionId anna = come_in(1, token), annas_tablet = come_in(2, tablet);
  const ConnectionId bobs = come_in(1, enroll("bob", 1).access_token());
  const ConversationId group = make_group(anna, {bob});
  std::string sent_id;
  EXPECT_TRUE(write(anna, ann, bob, "hello").has_send_result());
  ASSERT_EQ(write(bobs, bob, ann, "hi", &sent_id).send_result().items_size(), 1);
  EXPECT_TRUE(ask(anna, farewell(kOld)).has_ack());
  loop.advance(1s);
  EXPECT_EQ(closed(anna), 4401);
  EXPECT_EQ(closed(annas_tablet), 4401);
  for (int life = 0; life < 2; ++life) {
    EXPECT_EQ(turned_away(1, token), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(turned_away(2, tablet), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(refused(open(), resume(1, tickets[anna])), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(turned_away(1, host_token("ann")), v1::ERROR_CODE_REVOKED);
    EXPECT_EQ(password_login("ann", kOld, 1).error().code(), v1::ERROR_CODE_UNAUTHENTICATED);
    v1::ClientFrame again;
    again.mutable_register_()->set_handle("ann");
    again.mutable_register_()->set_password(kNew);
    again.mutable_register_()->set_device_id(device(7).bytes());
    EXPECT_EQ(refused(open(), again), v1::ERROR_CODE_ALREADY_EXISTS);
    EXPECT_TRUE(remove(ann).ok()) << "once more changes nothing";
    restart();
  }
  EXPECT_EQ(remove(UserId::of("nobody")).error().code, ErrorCode::kNotFound);
  const auto& left = people->accounts.at(ann);
  EXPECT_TRUE(left.user.handle.empty() && left.user.display_name.empty());
  EXPECT_TRUE(left.password_hash.empty() && left.devices.empty());

  const ConnectionId bob_again =
      come_in(2, password_login("bob", kOld, 2).signed_in().access_token());
  const auto who = members(bob_again, group);
  ASSERT_EQ(who.size(), 1u);
  EXPECT_EQ(who[0].user_id(), bob.bytes());
  EXPECT_EQ(who[0].role(), v1::MEMBER_ROLE_OWNER);
  v1::ClientFrame by_id, by_handle;
  by_id.mutable_get_users()->add_user_ids(ann.bytes());
  by_handle.mutable_get_users()->add_handles("ann");
  const v1::ServerFrame profile = ask(bob_again, by_id);
  ASSERT_EQ(profile.users_page().users_size(), 1);
  EXPECT_TRUE(profile.users_page().users(0).deleted());
  EXPECT_EQ(profile.users_page().users(0).handle(), "");
  EXPECT_EQ(profile.users_page().users(0).display_name(), "");
  EXPECT_EQ(ask(bob_again, by_handle).users_page().users_size(), 0);
}

// Placed messages stay placed, in the history and for a repetition; new ones are rejected.
TEST_F(AccountsTest, AConversationWithADeletedPersonIsItsPast) {
  const ConnectionId anna = come_in(1, enroll("ann", 1).access_token());
  const ConnectionId bobs = come_in(1, enroll("bob", 1).access_token());
  std::string sent_id;
  EXPECT_TRUE(write(anna, ann, bob, "hello").has_send_result());
  const v1::ServerFrame placed = write(bobs, bob, ann, "hi", &sent_id);
  ASSERT_EQ(placed.send_result().items_size(), 1);
  EXPECT_TRUE(remove(ann).ok());
  const v1::ServerFrame again = write(bobs, bob, ann, "hi", &sent_id);
  ASSERT_EQ(again.send_result().items_size(), 1);
  EXPECT_EQ(again.send_result().items(0).placed().seq(),
            placed.send_result().items(0).placed().seq());
  const v1::ServerFrame fresh = write(bobs, bob, ann, "are you there?");
  ASSERT_EQ(fresh.send_result().items_size(), 1);
  EXPECT_EQ(fresh.send_result().items(0).error().code(), v1::ERROR_CODE_NOT_FOUND);
  v1::ClientFrame past;
  past.mutable_get_events()->set_conversation_id(ConversationId::direct(ann, bob).bytes());
  EXPECT_EQ(ask(bobs, past).events_page().events_size(), 3);  // made, "hello", "hi"
}

TEST_F(AccountsTest, TheOperatorEndsAnAccountOfTheHost) {
  const std::string token = host_token("ann");
  const ConnectionId anna = come_in(1, token);
  EXPECT_TRUE(remove(ann).ok());
  EXPECT_EQ(closed(anna), 4401);
  EXPECT_EQ(turned_away(1, token), v1::ERROR_CODE_REVOKED);
  EXPECT_EQ(turned_away(2, host_token("ann")), v1::ERROR_CODE_REVOKED) << "and of no new token";
  restart();
  EXPECT_EQ(turned_away(2, host_token("ann")), v1::ERROR_CODE_REVOKED);
}

// A session that is being opened while the account ends does not stay.
TEST_F(AccountsTest, NobodyComesInWhileTheirAccountEnds) {
  const std::string token = enroll("ann", 1).access_token();
  for (int turn = 0; turn < 30; ++turn) {
    restart();  // nothing of it is in memory
    const UserId user = UserId::of("ann" + std::to_string(turn));
    const std::string mine = enroll("ann" + std::to_string(turn), 1).access_token();
    restart();
    int calls = 0;
    people->delay = [&calls] { return Millis(++calls % 2 == 0 ? 7 : 3); };
    const ConnectionId late = open();
    v1::ClientFrame frame = hello(1, mine);
    frame.set_req_id(1);
    core().on_message(late, *encode(frame));
    loop.advance(Millis(turn));
    core().delete_account(user, [](const Status&) {});
    loop.advance(1s);
    people->delay = nullptr;
    EXPECT_EQ(closed(late), 4401) << "after " << turn << " ms";
  }
}

// The process ends at any moment after the account: the groups are left all the same.
TEST_F(AccountsTest, GroupsAreLeftHoweverOftenTheProcessEnds) {
  constexpr int kGroups = 6;
  for (std::int64_t crash_ms = 0; crash_ms <= 60; crash_ms += 4) {
    const std::string name = std::to_string(crash_ms);
    const UserId leaver = UserId::of("ann" + name);
    const ConnectionId anna = come_in(1, enroll("ann" + name, 1).access_token());
    const ConnectionId bobs = come_in(1, enroll("bob" + name, 1).access_token());
    std::vector<ConversationId> groups;
    for (int i = 0; i < kGroups; ++i) {
      const bool hers = i % 2 == 0;
      const std::string& other = (hers ? "bob" : "ann") + name;
      groups.push_back(make_group(hers ? anna : bobs, {UserId::of(other)}));
    }
    people->delay = [] { return Millis(5); };
    log_disk->commit_delay = [] { return Millis(5); };
    core().delete_account(leaver, [](const Status&) {});
    for (int end = 0; end < 3; ++end) {
      loop.advance(Millis(crash_ms));
      restart();
    }
    people->delay = nullptr;
    log_disk->commit_delay = nullptr;
    if (life(leaver) == Life::kActive) {
      ASSERT_LT(crash_ms, 5) << "the first crash was faster than the disk";
      continue;
    }
    loop.advance(2min);
    EXPECT_EQ(life(leaver), Life::kLeft) << crash_ms;
    const ConnectionId asking =
        come_in(2, password_login("bob" + name, kOld, 2).signed_in().access_token());
    for (const ConversationId& group : groups) {
      EXPECT_EQ(members(asking, group).size(), 1u) << crash_ms;
    }
  }
}

// A log that takes nothing for a while only puts it off.
TEST_F(AccountsTest, GroupsAreLeftWhenTheLogIsBack) {
  const ConnectionId anna = come_in(1, enroll("ann", 1).access_token());
  const ConnectionId bobs = come_in(1, enroll("bob", 1).access_token());
  const ConversationId group = make_group(anna, {bob});
  log_disk->commit_fault = [] { return make_error(ErrorCode::kDiskFull, "full"); };
  EXPECT_TRUE(remove(ann).ok());
  loop.advance(60s);
  EXPECT_EQ(life(ann), Life::kLeaving);
  log_disk->commit_fault = nullptr;
  loop.advance(2min);
  EXPECT_EQ(life(ann), Life::kLeft);
  const ConnectionId again = come_in(1, password_login("bob", kOld, 1).signed_in().access_token());
  (void)bobs;
  EXPECT_EQ(members(again, group).size(), 1u);
}

// More than one page of groups and of people.
TEST_F(AccountsTest, ManyLeaveManyGroups) {
  const ConnectionId anna = come_in(1, enroll("ann", 1).access_token());
  enroll("bob", 1);
  std::vector<ConversationId> groups;
  for (int i = 0; i < 230; ++i) groups.push_back(make_group(anna, {bob}));
  for (int i = 0; i < 130; ++i) {
    enroll("extra" + std::to_string(i), 1);
    EXPECT_TRUE(remove(UserId::of("extra" + std::to_string(i))).ok());
  }
  EXPECT_TRUE(remove(ann).ok());
  loop.advance(10min);
  for (const auto& [id, account] : people->accounts) {
    EXPECT_EQ(account.life, id == bob ? Life::kActive : Life::kLeft);
  }
  const ConnectionId bobs = come_in(1, password_login("bob", kOld, 1).signed_in().access_token());
  for (const ConversationId& group : groups) ASSERT_EQ(members(bobs, group).size(), 1u);
}

}  // namespace
}  // namespace kith::server
