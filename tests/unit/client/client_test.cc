// The public Client without a server: work offline, and its end.
#include "kith/client/client.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>

namespace kith::client {
namespace {

using namespace std::chrono_literals;

ClientOptions offline() {
  ClientOptions options;
  options.url = "ws://127.0.0.1:1/v1/ws";
  options.handle = "alice";
  options.token = fixed_token("token");
  return options;
}

// Waits for a callback of another thread.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 10s, [this] { return set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool set_ = false;
};

TEST(Client, SendsOfflineAndShowsIt) {
  auto client = Client::open(offline());
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  const ConversationId bob = (*client)->direct("bob");
  Signal shown;
  bool first_is_reset = false;
  bool first = true;
  std::size_t rows = 0;
  const auto view = (*client)->observe_timeline(bob, 50, [&](const Client::TimelineDiffs& steps) {
    if (std::exchange(first, false))
      first_is_reset = steps.front().kind == Diff<Message>::Kind::kReset;
    for (const auto& step : steps) rows += step.items.size();
    if (rows >= 1) shown.set();
  });
  const auto id = (*client)->send(bob, "hello");
  ASSERT_TRUE(id.ok());
  EXPECT_TRUE(shown.wait());
  EXPECT_TRUE(first_is_reset);
  EXPECT_EQ((*client)->conversations().at(0).id, bob);
  EXPECT_EQ((*client)->wait_sent(1ms).error().code, ErrorCode::kTimeout);
}

TEST(Client, UnreachableServerIsNamed) {
  auto client = Client::open(offline());
  ASSERT_TRUE(client.ok());
  (*client)->connect();
  EXPECT_EQ((*client)->wait_online(2s).error().code, ErrorCode::kConnectFailed);
}

TEST(Client, WhatCannotBeSentSaysWhy) {
  auto client = Client::open(offline());
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->send((*client)->direct("bob"), "hello").ok());
  (*client)->connect();
  EXPECT_EQ((*client)->wait_sent(2s).error().code, ErrorCode::kConnectFailed);
}

TEST(Client, AccountTokenNeedsADirectoryForItsDevice) {
  const auto token = Client::register_account(offline(), "correct horse battery");
  ASSERT_FALSE(token.ok());
  EXPECT_EQ(token.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(token.error().message.rfind("cache_dir", 0), 0u);
}

TEST(Client, BadUrlNamesTheField) {
  ClientOptions options = offline();
  options.url = "http://example.org";
  const auto client = Client::open(options);
  ASSERT_FALSE(client.ok());
  EXPECT_EQ(client.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client.error().message.rfind("url", 0), 0u);
}

TEST(Client, ClosesFromInsideACallback) {
  auto client = Client::open(offline());
  ASSERT_TRUE(client.ok());
  Signal closed;
  const auto events = (*client)->on_event([&](const Event&) {
    (*client)->close();
    closed.set();
  });
  ASSERT_TRUE((*client)->send((*client)->direct("bob"), "hello").ok());
  EXPECT_TRUE(closed.wait());
  EXPECT_EQ((*client)->send((*client)->direct("bob"), "late").error().code, ErrorCode::kClosed);
}

// A host's loop that the test turns by hand.
class HandTurned : public Executor {
 public:
  void post(std::function<void()> task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  void turn() {
    std::vector<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (const auto& task : tasks) task();
  }

 private:
  std::mutex mutex_;
  std::vector<std::function<void()>> tasks_;
};

TEST(Client, CloseAnswersWhatItCancelsOnAHostsExecutorToo) {
  const auto loop = std::make_shared<HandTurned>();
  ClientOptions options = offline();
  options.executor = loop;
  auto client = Client::open(options);
  ASSERT_TRUE(client.ok());
  std::vector<ErrorCode> codes;
  (*client)->find_users({"bob"}, [&](const Result<std::vector<Profile>>& found) {
    codes.push_back(found.ok() ? ErrorCode::kInternal : found.error().code);
  });
  (*client)->close();
  EXPECT_EQ(codes, std::vector{ErrorCode::kCancelled});
  loop->turn();
  EXPECT_EQ(codes.size(), 1u);  // nothing comes after close()
}

TEST(Client, SearchesOfflineAndAnswersOnce) {
  auto client = Client::open(offline());
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE((*client)->send((*client)->direct("bob"), "hello, world").ok());
  Signal answered;
  int answers = 0;
  SearchPage page;
  (*client)->search({.text = "world"}, [&](const Result<SearchPage>& found) {
    ++answers;
    page = found.value_or({});
    answered.set();
  });
  EXPECT_TRUE(answered.wait());
  ASSERT_EQ(page.hits.size(), 1u);
  EXPECT_EQ(page.hits[0].message.text, "hello, world");
  EXPECT_EQ(page.hits[0].matches, (std::vector<TextRange>{{7, 5}}));
  EXPECT_FALSE(page.complete);
  (*client)->close();
  EXPECT_EQ(answers, 1);
}

TEST(Client, ASearchThatIsNotToldYetIsCancelledByClose) {
  const auto loop = std::make_shared<HandTurned>();
  ClientOptions options = offline();
  options.executor = loop;
  auto client = Client::open(options);
  ASSERT_TRUE(client.ok());
  std::vector<ErrorCode> codes;
  const auto done = [&](const Result<SearchPage>& found) {
    codes.push_back(found.ok() ? ErrorCode::kInternal : found.error().code);
  };
  (*client)->search({.text = "hello"}, done);
  (*client)->close();
  EXPECT_EQ(codes, std::vector{ErrorCode::kCancelled});
  (*client)->search({.text = "hello"}, done);
  loop->turn();
  EXPECT_EQ(codes, (std::vector{ErrorCode::kCancelled, ErrorCode::kClosed}));
}

TEST(Client, OnlineRequestIsAnsweredWhenOffline) {
  auto client = Client::open(offline());
  ASSERT_TRUE(client.ok());
  Signal answered;
  ErrorCode code{};
  (*client)->find_users({"bob"}, [&](Result<std::vector<Profile>> found) {
    code = found.ok() ? ErrorCode::kInternal : found.error().code;
    answered.set();
  });
  EXPECT_TRUE(answered.wait());
  EXPECT_EQ(code, ErrorCode::kOffline);
}

}  // namespace
}  // namespace kith::client
