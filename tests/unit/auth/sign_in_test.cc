// SignIn: every way in, and that what was ended opens none of them.
#include "server/auth/sign_in.h"

#include <gtest/gtest.h>

#include "kith/v1/session.pb.h"
#include "server/adapters/embedded/directory_memory.h"
#include "tests/unit/gateway/virtual_loop.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;

const std::string kHostKey(32, 'h');

DeviceId device(std::uint8_t n) {
  return DeviceId(std::array<std::uint8_t, 16>{n});
}

class SignInTest : public ::testing::Test {
 protected:
  std::string host_token(const std::string& handle, Millis life = 1h) {
    const std::int64_t now = loop.clock().wall().ms;
    return make_jwt(kHostKey, {handle, "", now, now + life.count()});
  }
  // Runs until there is an answer.
  template <class T, class Ask>
  Result<T> answer(Ask ask) {
    std::optional<Result<T>> got;
    ask([&got](Result<T> result) { got = std::move(result); });
    loop.advance(1s);
    if (!got) return make_error(ErrorCode::kTimeout, "no answer");
    return std::move(*got);
  }
  Result<Admission> admit(const std::string& token, std::uint8_t n = 1, bool ticket = false) {
    v1::Hello hello;
    hello.set_device_id(device(n).bytes());
    ticket ? hello.set_resume_ticket(token) : hello.set_access_token(token);
    return answer<Admission>(
        [&](Done<Admission> done) { entrance->admit(hello, std::move(done)); });
  }
  Result<v1::SignedIn> register_account(const std::string& handle) {
    v1::Register request;
    request.set_handle(handle);
    request.set_password("correct horse");
    request.set_device_id(device(1).bytes());
    return answer<v1::SignedIn>(
        [&](Done<v1::SignedIn> done) { entrance->register_account(request, {}, std::move(done)); });
  }
  static v1::SignIn password_of(const std::string& handle, const std::string& password,
                                std::uint8_t n) {
    v1::SignIn request;
    request.set_handle(handle);
    request.set_password(password);
    request.set_device_id(device(n).bytes());
    return request;
  }
  Result<v1::SignedIn> sign_in(const std::string& handle, const std::string& password,
                               std::uint8_t n = 1) {
    return answer<v1::SignedIn>([&](Done<v1::SignedIn> done) {
      entrance->sign_in(password_of(handle, password, n), {}, std::move(done));
    });
  }
  // Ann's sign-in waits for her password to be verified; `told` receives the answer.
  void begin_sign_in(ErrorCode& told) {
    passwords.slow = true;
    entrance->sign_in(password_of("ann", "correct horse", 2), {},
                      [&told](const Result<v1::SignedIn>& answer) { told = code(answer); });
    loop.settle();
    ASSERT_EQ(passwords.waiting.size(), 1U);
  }
  Result<SignIn::Changed> change_password(const Admission& current, const std::string& old) {
    v1::ChangePassword request;
    request.set_old_password(old);
    request.set_new_password("better battery");
    return answer<SignIn::Changed>([&](Done<SignIn::Changed> done) {
      entrance->change_password(current, request, {}, std::move(done));
    });
  }
  template <class T>
  static ErrorCode code(const Result<T>& result) {
    return result ? ErrorCode::kInternal : result.error().code;
  }
  std::unique_ptr<SignIn> make(const std::string& secret, const std::string& previous = {}) {
    return std::make_unique<SignIn>(
        SignInOptions{secret, std::move(*jwt_authenticator(kHostKey, loop.clock())), true, 24h,
                      previous},
        directory, users, devices, passwords, loop);
  }

  testing::VirtualLoop loop;
  testing::PlainPasswords passwords{loop};
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
  DirectoryMemory directory{people, loop};
  Users users{directory};
  Devices devices{directory};
  std::unique_ptr<SignIn> entrance = make(std::string(32, 's'));
};

TEST_F(SignInTest, ATokenOfTheHostMakesItsUserAtFirstSight) {
  const auto admitted = admit(host_token("ann"));
  ASSERT_TRUE(admitted.ok());
  EXPECT_EQ(admitted->user, UserId::of("ann"));
  EXPECT_EQ(admitted->device, device(1));
  EXPECT_FALSE(admitted->token_id.empty());
  EXPECT_EQ(code(admit("rubbish")), ErrorCode::kUnauthenticated);
  EXPECT_EQ(code(admit(host_token("ann", -2h))), ErrorCode::kTokenExpired);
}

TEST_F(SignInTest, ATokenOfAnOwnAccountIsItsDevicesAlone) {
  const auto made = register_account("ann");
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(admit(made->access_token(), 1).ok());
  EXPECT_EQ(code(admit(made->access_token(), 2)), ErrorCode::kUnauthenticated);
  loop.advance(49h);
  EXPECT_EQ(code(admit(made->access_token(), 1)), ErrorCode::kTokenExpired);
}

TEST_F(SignInTest, ATicketOpensASessionForItsDeviceAndOutlivesAChangeOfTheSecret) {
  const auto admitted = admit(host_token("ann"));
  ASSERT_TRUE(admitted.ok());
  const auto ticket = entrance->ticket(*admitted);
  ASSERT_TRUE(ticket.ok());
  EXPECT_TRUE(admit(*ticket, 1, true).ok());
  EXPECT_EQ(code(admit(*ticket, 2, true)), ErrorCode::kUnauthenticated);
  entrance->use_secrets(std::string(32, 'n'), std::string(32, 's'));
  EXPECT_TRUE(admit(*ticket, 1, true).ok());
  entrance->use_secrets(std::string(32, 'n'), "");
  EXPECT_EQ(code(admit(*ticket, 1, true)), ErrorCode::kUnauthenticated);
}

TEST_F(SignInTest, ASessionIsRenewedByTokensOfItsOwnUser) {
  const auto admitted = admit(host_token("ann"));
  ASSERT_TRUE(admitted.ok());
  const auto renew = [&](const std::string& token) {
    return answer<Admission>(
        [&](Done<Admission> done) { entrance->renew(*admitted, token, std::move(done)); });
  };
  loop.advance(1min);
  const auto fresh = renew(host_token("ann"));
  ASSERT_TRUE(fresh.ok());
  EXPECT_GT(fresh->expires_ms, admitted->expires_ms);
  EXPECT_EQ(code(renew(host_token("bob"))), ErrorCode::kUnauthenticated);
}

TEST_F(SignInTest, AServerWithoutAnAuthenticatorKnowsItsOwnTokensOnly) {
  entrance->use_authenticator(nullptr);
  EXPECT_EQ(code(admit(host_token("ann"))), ErrorCode::kUnauthenticated);
  const auto made = register_account("bob");
  ASSERT_TRUE(made.ok());
  EXPECT_TRUE(admit(made->access_token()).ok());
}

TEST_F(SignInTest, AStrangerLearnsNothingFromARefusedPassword) {
  ASSERT_TRUE(register_account("ann").ok());
  ASSERT_TRUE(admit(host_token("host-user")).ok());  // has no password
  const auto wrong = sign_in("ann", "wrong horse");
  const int verified = passwords.verified;
  for (const char* handle : {"nobody", "host-user"}) {
    const auto refused = sign_in(handle, "wrong horse");
    EXPECT_EQ(code(refused), ErrorCode::kUnauthenticated);
    EXPECT_EQ(refused.error().message, wrong.error().message);
  }
  EXPECT_EQ(passwords.verified, verified + 2) << "each takes the time of a hash";
  EXPECT_TRUE(sign_in("ann", "correct horse").ok());
}

TEST_F(SignInTest, ANewPasswordEndsEveryTokenThatWasMadeBefore) {
  const auto first = register_account("ann");
  const auto second = sign_in("ann", "correct horse", 2);
  ASSERT_TRUE(first.ok() && second.ok());
  const auto session = admit(first->access_token(), 1);
  ASSERT_TRUE(session.ok());
  EXPECT_EQ(code(change_password(*session, "wrong horse")), ErrorCode::kUnauthenticated);
  const auto changed = change_password(*session, "correct horse");
  ASSERT_TRUE(changed.ok());
  EXPECT_EQ(code(admit(first->access_token(), 1)), ErrorCode::kRevoked);
  EXPECT_EQ(code(admit(second->access_token(), 2)), ErrorCode::kRevoked);
  EXPECT_TRUE(admit(changed->first.access_token(), 1).ok());
  EXPECT_EQ(code(sign_in("ann", "correct horse")), ErrorCode::kUnauthenticated);
  EXPECT_TRUE(sign_in("ann", "better battery", 2).ok());
}

TEST_F(SignInTest, APasswordThatIsReplacedWhileItIsVerifiedLetsNobodyIn) {
  ASSERT_TRUE(register_account("ann").ok());
  ErrorCode told = ErrorCode::kInternal;
  ASSERT_NO_FATAL_FAILURE(begin_sign_in(told));
  ASSERT_TRUE(answer<void>([&](Done<void> done) {
                entrance->set_password(UserId::of("ann"), "set by the operator", std::move(done));
              }).ok());
  passwords.waiting[0]();
  loop.advance(1s);
  EXPECT_EQ(told, ErrorCode::kUnauthenticated);
}

TEST_F(SignInTest, WhileAPasswordIsOnItsWayToTheDirectoryNobodyComesInByIt) {
  ASSERT_TRUE(register_account("ann").ok());
  ErrorCode told = ErrorCode::kInternal;
  ASSERT_NO_FATAL_FAILURE(begin_sign_in(told));
  entrance->set_password(UserId::of("ann"), "set by the operator", [](const Status&) {});
  loop.settle();
  people->delay = [] { return 500ms; };
  entrance->set_password(UserId::of("ann"), "and once more", [](const Status&) {});
  loop.advance(600ms);  // the hash is read, and made; the change is on its way
  people->delay = nullptr;
  passwords.waiting[0]();
  loop.settle();
  EXPECT_EQ(told, ErrorCode::kUnavailable);
}

TEST_F(SignInTest, AnOperatorReplacesPasswordsOfOwnAccountsOnly) {
  ASSERT_TRUE(admit(host_token("host-user")).ok());
  const auto set = [&](const std::string& handle) {
    return answer<void>([&](Done<void> done) {
      entrance->set_password(UserId::of(handle), "set by the operator", std::move(done));
    });
  };
  EXPECT_EQ(set("host-user").error().code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(set("nobody").error().code, ErrorCode::kNotFound);
}

TEST_F(SignInTest, ARevokedDeviceNeedsATokenThatWasMadeLater) {
  const std::string token = host_token("ann"), other = host_token("ann", 2h);
  ASSERT_TRUE(admit(token).ok());
  ASSERT_TRUE(admit(other, 2).ok());
  loop.advance(5s);
  DeviceRecord record;
  record.id = device(1);
  record.revoked_ms = loop.clock().wall().ms;
  devices.put(UserId::of("ann"), record, [](const Status&) {});
  loop.settle();
  EXPECT_EQ(code(admit(token)), ErrorCode::kRevoked);
  EXPECT_TRUE(admit(other, 2).ok()) << "the others stay";
  loop.advance(5s);
  EXPECT_TRUE(admit(host_token("ann")).ok());
}

TEST_F(SignInTest, ADeviceThatIsRevokedWhileItComesInIsLookedAtAgain) {
  const auto admitted = admit(host_token("ann"));
  ASSERT_TRUE(admitted.ok());
  const auto ticket = entrance->ticket(*admitted);
  loop.advance(5s);
  Users fresh_users(directory);
  Devices fresh_devices(directory);  // both ask the directory, which is slow
  SignIn slow({std::string(32, 's'), nullptr, true, 24h, {}}, directory, fresh_users, fresh_devices,
              passwords, loop);
  people->delay = [] { return 300ms; };
  v1::Hello hello;
  hello.set_device_id(device(1).bytes());
  hello.set_resume_ticket(*ticket);
  std::optional<Result<Admission>> judged;
  slow.admit(hello, [&](Result<Admission> result) { judged = std::move(result); });
  loop.advance(100ms);  // before the devices are read
  UserChange change;
  change.tokens_valid_from_ms = loop.clock().wall().ms;
  fresh_users.update(UserId::of("ann"), change, [&](const Result<Users::Record>&) {
    EXPECT_FALSE(judged.has_value());
    slow.note_ended();
  });
  loop.advance(5s);
  ASSERT_TRUE(judged.has_value());
  EXPECT_EQ(code(*judged), ErrorCode::kRevoked);
}

TEST_F(SignInTest, WhatWasEndedWhileTheClockWasAheadIsSetRight) {
  const auto made = register_account("ann");
  ASSERT_TRUE(made.ok());
  loop.wall_jump = 24h * 365;
  ASSERT_TRUE(answer<void>([&](Done<void> done) {
                entrance->set_password(UserId::of("ann"), "set by the operator", std::move(done));
              }).ok());
  loop.wall_jump = 0h;
  EXPECT_TRUE(sign_in("ann", "set by the operator").ok());
  const auto again = sign_in("ann", "set by the operator");
  ASSERT_TRUE(again.ok());
  EXPECT_TRUE(admit(again->access_token()).ok()) << "and not only when that year is over";
}

TEST_F(SignInTest, AnAccountThatWasRemovedIsNoMore) {
  const auto made = register_account("ann");
  ASSERT_TRUE(made.ok());
  users.remove(UserId::of("ann"), [](const Status&) {});
  loop.advance(1s);
  EXPECT_EQ(code(admit(made->access_token())), ErrorCode::kRevoked);
  EXPECT_EQ(code(sign_in("ann", "correct horse")), ErrorCode::kUnauthenticated);
}

TEST_F(SignInTest, NobodyIsAnsweredByOneThatHasGone) {
  ASSERT_TRUE(register_account("ann").ok());
  passwords.slow = true;
  bool answered = false;
  entrance->sign_in(password_of("ann", "correct horse", 1), {},
                    [&](const Result<v1::SignedIn>&) { answered = true; });
  loop.settle();
  entrance.reset();
  for (const auto& verified : passwords.waiting) verified();
  loop.advance(1s);
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace kith::server
