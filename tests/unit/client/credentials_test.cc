// Credentials: tickets before tokens, and one question at a time.
#include "client/credentials.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kith/core/limits.h"
#include "kith/v1/session.pb.h"
#include "tests/unit/client/virtual_time.h"

namespace kith::client {
namespace {

class CredentialsTest : public ::testing::Test {
 protected:
  VirtualScheduler scheduler;
  std::vector<std::function<void(Result<std::string>)>> asked;
  std::vector<std::string> tokens;
  std::unique_ptr<Credentials> credentials = std::make_unique<Credentials>(
      scheduler, [this](auto done) { asked.push_back(std::move(done)); },
      [this](const Result<std::string>& token) { tokens.push_back(token.value_or("none")); });
};

TEST_F(CredentialsTest, ShowTheTicketUntilAMinuteBeforeItsEnd) {
  EXPECT_FALSE(credentials->choose());
  credentials->keep("token");
  credentials->on_welcome("ticket");
  scheduler.advance(limits::resume_ticket_life - std::chrono::minutes(1) - Millis(1));
  ASSERT_TRUE(credentials->choose());
  v1::Hello hello;
  credentials->show(hello);
  EXPECT_EQ(hello.resume_ticket(), "ticket");
  EXPECT_TRUE(hello.access_token().empty());
  scheduler.advance(Millis(1));
  ASSERT_TRUE(credentials->choose());
  EXPECT_FALSE(credentials->shows_ticket());
  v1::Hello later;
  credentials->show(later);
  EXPECT_EQ(later.access_token(), "token");
}

TEST_F(CredentialsTest, AskTheApplicationOnceAtATime) {
  credentials->ask();
  credentials->ask();
  ASSERT_EQ(asked.size(), 1U);
  asked[0](std::string("one"));
  EXPECT_TRUE(tokens.empty());  // on the loop, not inside the application's call
  scheduler.settle();
  EXPECT_EQ(tokens, std::vector<std::string>{"one"});
  credentials->ask();
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(CredentialsTest, AnswerOfTheApplicationFindsNobodyWhenTheyAreGone) {
  credentials->ask();
  credentials.reset();
  asked[0](std::string("late"));
  scheduler.settle();
  EXPECT_TRUE(tokens.empty());
}

TEST_F(CredentialsTest, TokenThatHasEndedGetsOneMoreChanceUntilTheNextWelcome) {
  credentials->keep("old");
  EXPECT_TRUE(credentials->give_another_chance());
  EXPECT_FALSE(credentials->choose());
  credentials->keep("old");
  EXPECT_FALSE(credentials->is_another());
  EXPECT_FALSE(credentials->give_another_chance());
  credentials->keep("new");
  EXPECT_TRUE(credentials->is_another());
  credentials->on_welcome("");
  EXPECT_TRUE(credentials->give_another_chance());
}

}  // namespace
}  // namespace kith::client
