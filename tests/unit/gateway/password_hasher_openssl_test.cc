// Passwords of own accounts: hashed off the loop, with a cost that the hash itself names.
#include "server/auth/password_hasher_openssl.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace kith::server {
namespace {

constexpr ScryptOptions kCheap{limits::password_cost_min, 1};

// Runs what was posted on the thread that asks for it.
class Inbox : public Executor {
 public:
  void post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    came_.notify_one();
  }
  void run_one() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !tasks_.empty(); });
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }
  void run_waiting() {
    std::unique_lock lock(mutex_);
    while (!tasks_.empty()) {
      auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::function<void()>> tasks_;
};

class PasswordHasherTest : public ::testing::Test {
 protected:
  std::string hash(PasswordHasher& hasher, const std::string& password) {
    std::optional<Result<std::string>> answer;
    hasher.hash({1}, password, [&](Result<std::string> result) { answer = std::move(result); });
    EXPECT_FALSE(answer) << "never inside the call";
    while (!answer) inbox_.run_one();
    return answer->value();
  }
  bool fits(PasswordHasher& hasher, const std::string& password, const std::string& stored) {
    std::optional<Result<bool>> answer;
    hasher.verify({1}, password, stored, [&](Result<bool> result) { answer = std::move(result); });
    while (!answer) inbox_.run_one();
    return answer->value();
  }

  Inbox inbox_;
};

TEST_F(PasswordHasherTest, OnlyTheSamePasswordFits) {
  const auto hasher = make_scrypt_hasher(inbox_, kCheap);
  const std::string stored = hash(*hasher, "correct horse");
  EXPECT_EQ(stored.substr(0, 14), "scrypt$10$8$1$");
  EXPECT_NE(stored, hash(*hasher, "correct horse")) << "salted";
  EXPECT_TRUE(fits(*hasher, "correct horse", stored));
  EXPECT_FALSE(fits(*hasher, "correct horsf", stored));
}

TEST_F(PasswordHasherTest, AHashOfAnotherCostStaysValid) {
  const auto before = make_scrypt_hasher(inbox_, kCheap);
  const auto after = make_scrypt_hasher(inbox_, {limits::password_cost_min + 2, 1});
  EXPECT_TRUE(fits(*after, "correct horse", hash(*before, "correct horse")));
  EXPECT_EQ(hash(*after, "correct horse").substr(0, 14), "scrypt$12$8$1$");
}

TEST_F(PasswordHasherTest, WhatIsNoHashOrCostsTooMuchFitsNothing) {
  const auto hasher = make_scrypt_hasher(inbox_, kCheap);
  std::string costly = hash(*hasher, "correct horse");
  costly.replace(7, 2, "40");  // 2^40: would take a terabyte
  for (const std::string& stored :
       {std::string(), std::string("scrypt$"), std::string("scrypt$x$8$1$a$b"),
        std::string("scrypt$10$8$1$"), std::string("plain"), costly}) {
    EXPECT_FALSE(fits(*hasher, "correct horse", stored)) << stored;
  }
}

TEST_F(PasswordHasherTest, AnswersAllOnTheExecutorWhateverTheThreads) {
  const auto hasher = make_scrypt_hasher(inbox_, {limits::password_cost_min, 4});
  std::set<std::string> hashes;
  std::set<std::thread::id> threads;
  for (std::size_t i = 0; i < limits::password_requests_max; ++i) {
    hasher->hash({i}, "correct horse", [&](const Result<std::string>& result) {
      hashes.insert(result.value());
      threads.insert(std::this_thread::get_id());
    });
  }
  while (hashes.size() < limits::password_requests_max) inbox_.run_one();
  EXPECT_EQ(threads, std::set{std::this_thread::get_id()});
}

TEST_F(PasswordHasherTest, TooManyAtOnceAreToldToComeBack) {
  const auto hasher = make_scrypt_hasher(inbox_, {limits::password_cost_min + 2, 1});
  std::size_t refused = 0;
  std::size_t answers = 0;
  const std::size_t asked = limits::password_requests_max * 2;
  for (std::size_t i = 0; i < asked; ++i) {
    hasher->hash({i}, "correct horse", [&](const Result<std::string>& result) {
      ++answers;
      if (result.ok()) return;
      EXPECT_EQ(result.error().code, ErrorCode::kOverloaded);
      EXPECT_GT(result.error().retry_after_ms, 0U);
      ++refused;
    });
  }
  while (answers < asked) inbox_.run_one();
  EXPECT_GT(refused, 0U);
  EXPECT_LE(refused, asked - limits::password_requests_max);
}

// Beside an address that asks without end another one waits for at most one of its hashes per thread.
TEST_F(PasswordHasherTest, AddressesTakeTurns) {
  const auto hasher = make_scrypt_hasher(inbox_, {limits::password_cost_min + 2, 1});
  std::size_t answers = 0;
  std::size_t refused = 0;
  std::optional<std::size_t> before;
  for (int i = 0; i < 80; ++i) {
    hasher->hash({1}, "guess", [&](const Result<std::string>& result) {
      ++answers;
      if (!result) ++refused;
    });
  }
  hasher->hash({2}, "correct horse", [&](const Result<std::string>& result) {
    EXPECT_TRUE(result.ok());
    before = answers - refused;
  });
  while (answers < 80 || !before) inbox_.run_one();
  EXPECT_GE(refused, 80 - limits::password_requests_of_one_max - 2);
  EXPECT_LE(*before, 3U);
}

// One thread of two is free for others, whatever one address asks.
TEST_F(PasswordHasherTest, OneAddressNeverHasAllThreads) {
  const auto hasher = make_scrypt_hasher(inbox_, {limits::password_cost_min + 4, 2});
  std::size_t guesses = 0;
  std::optional<std::size_t> before;
  for (std::size_t i = 0; i < limits::password_requests_of_one_max; ++i) {
    hasher->hash({1}, "guess", [&](const Result<std::string>&) { ++guesses; });
  }
  hasher->hash({2}, "correct horse", [&](const Result<std::string>&) { before = guesses; });
  while (guesses < limits::password_requests_of_one_max || !before) inbox_.run_one();
  EXPECT_LT(*before, limits::password_requests_of_one_max / 2);
}

TEST_F(PasswordHasherTest, NoAnswerComesAfterItsEnd) {
  auto hasher = make_scrypt_hasher(inbox_, kCheap);
  bool answered = false;
  for (std::uint64_t i = 0; i < 8; ++i) {
    hasher->hash({i}, "correct horse", [&](const Result<std::string>&) { answered = true; });
  }
  hasher.reset();
  inbox_.run_waiting();
  EXPECT_FALSE(answered);
}

}  // namespace
}  // namespace kith::server
