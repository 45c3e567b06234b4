// EntryRequests: the tries of an address and an account before there is a session.
#include "server/dispatch/entry_requests.h"

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"
#include "tests/unit/dispatch/dispatch_fixture.h"

namespace kith::server {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHome = "192.0.2.1";

class EntryRequestsTest : public testing::DispatchTest {
 protected:
  EntryRequests& entry() { return dispatcher->entry(); }

  struct Answer {
    bool came = false, signed_in = false;
    ErrorCode code = ErrorCode::kInternal;
    std::uint32_t retry_after_ms = 0;
    v1::SignedIn content{};
  };
  static Done<v1::SignedIn> into(const std::shared_ptr<Answer>& answer) {
    return [answer](Result<v1::SignedIn> result) {
      *answer = {true, result.ok()};
      if (result) {
        answer->content = std::move(*result);
      } else {
        answer->code = result.error().code;
        answer->retry_after_ms = result.error().retry_after_ms;
      }
    };
  }
  std::shared_ptr<Answer> register_account(const std::string& handle,
                                           const std::string& address = kHome) {
    v1::Register request;
    request.set_handle(handle);
    request.set_password("correct horse");
    request.set_device_id(testing::device(1).bytes());
    auto answer = std::make_shared<Answer>();
    entry().register_account(request, address, into(answer));
    loop.settle();
    return answer;
  }
  std::shared_ptr<Answer> sign_in(const std::string& handle, const std::string& password,
                                  const std::string& address = kHome, std::uint8_t n = 9) {
    v1::SignIn request;
    request.set_handle(handle);
    request.set_password(password);
    request.set_device_id(testing::device(n).bytes());
    auto answer = std::make_shared<Answer>();
    entry().sign_in(request, address, into(answer));
    loop.settle();
    return answer;
  }
  static Admission holder(const std::string& handle, std::uint8_t n = 1) {
    Admission admission;
    admission.user = UserId::of(handle);
    admission.device = testing::device(n);
    return admission;
  }
};

TEST_F(EntryRequestsTest, TooManyWrongPasswordsAreAnsweredLateWithTheTimeThatIsLeft) {
  register_account("ann", "198.51.100.7");
  std::shared_ptr<Answer> last;
  int guesses = 0;
  do {
    last = sign_in("ann", "wrong horse");
  } while (last->came && ++guesses < 100);
  EXPECT_LT(guesses, 20);
  EXPECT_EQ(passwords.verified, guesses) << "the refused one cost no hash";
  loop.advance(limits::refused_entry_delay - 1ms);
  EXPECT_FALSE(last->came);
  loop.advance(1ms);
  ASSERT_TRUE(last->came);
  EXPECT_EQ(last->code, ErrorCode::kRateLimited);
  ASSERT_GT(last->retry_after_ms, 0U);
  EXPECT_EQ(entry().rate_limited(), 1U);
  loop.advance(Millis(last->retry_after_ms));
  EXPECT_TRUE(sign_in("ann", "correct horse")->signed_in) << "the time that it said is true";
}

TEST_F(EntryRequestsTest, AHandleIsTheSameHoweverItIsWritten) {
  register_account("ann");
  EXPECT_TRUE(sign_in("Ann", "correct horse")->signed_in);
}

TEST_F(EntryRequestsTest, RegistrationsAreCountedByAddressUnlessNothingCameOfThem) {
  for (std::size_t i = 0; i < limits::address_registrations_burst; ++i)
    EXPECT_TRUE(register_account("user" + std::to_string(i))->signed_in);
  const auto refused = register_account("one-too-many");
  EXPECT_FALSE(refused->came);
  loop.advance(limits::refused_entry_delay);
  EXPECT_EQ(refused->code, ErrorCode::kRateLimited);
  EXPECT_TRUE(register_account("from-elsewhere", "198.51.100.7")->signed_in);
}

TEST_F(EntryRequestsTest, TooManyRefusedTokensOfAnAddressEndTheConnection) {
  v1::Hello hello;
  hello.set_device_id(testing::device(1).bytes());
  hello.set_access_token("no token");
  int stay = 0, end = 0;
  const auto judged = [&](const Result<Admission>& admission, EntryRequests::Connection then) {
    EXPECT_FALSE(admission.ok());
    ++(then == EntryRequests::Connection::kEnds ? end : stay);
  };
  for (std::uint32_t i = 0; i <= limits::address_failures_burst; ++i)
    entry().admit(hello, kHome, judged);
  EXPECT_EQ(stay, static_cast<int>(limits::address_failures_burst));
  EXPECT_EQ(end, 0) << "it is answered late";
  loop.advance(limits::refused_entry_delay);
  EXPECT_EQ(end, 1);
  entry().admit(hello, "198.51.100.7", judged);
  EXPECT_EQ(stay, static_cast<int>(limits::address_failures_burst) + 1);
}

TEST_F(EntryRequestsTest, AnAccountIsDeletedByItsPasswordAlone) {
  register_account("ann");
  std::vector<Status> answers;
  const auto note = [&](const Status& done) { answers.push_back(done); };
  entry().delete_account(holder("ann"), kHome, "wrong horse", note);
  loop.settle();
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].error().code, ErrorCode::kUnauthenticated);
  EXPECT_TRUE(services.removed.empty());
  entry().delete_account(holder("ann"), kHome, "correct horse", note);
  loop.settle();
  EXPECT_EQ(services.removed, std::vector<UserId>{UserId::of("ann")});
}

TEST_F(EntryRequestsTest, ASessionThatGuessesItsPasswordIsRefusedAtOnce) {
  register_account("ann");
  v1::ChangePassword request;
  request.set_old_password("wrong horse");
  request.set_new_password("better battery");
  ErrorCode code = ErrorCode::kInternal;
  int guesses = 0;
  while (code != ErrorCode::kRateLimited && ++guesses < 100) {
    entry().change_password(holder("ann"), kHome, request,
                            [&](const Result<SignIn::Changed>& changed) {
                              code = changed ? ErrorCode::kInternal : changed.error().code;
                            });
    loop.settle();
  }
  EXPECT_EQ(code, ErrorCode::kRateLimited);
  EXPECT_LT(guesses, 20);
}

TEST_F(EntryRequestsTest, NobodyIsAnsweredOnceItHasGone) {
  register_account("ann");
  passwords.slow = true;
  const auto answer = sign_in("ann", "correct horse");
  dispatcher.reset();
  for (const auto& verified : passwords.waiting) verified();
  loop.settle();
  EXPECT_FALSE(answer->came);
}

}  // namespace
}  // namespace kith::server
