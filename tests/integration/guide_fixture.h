// A server in memory, people who come online on it, and a screen that can be waited for.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <stdexcept>
#include <thread>

#include "examples/guide/guide.h"

namespace guide {

using namespace std::chrono_literals;  // NOLINT(google-global-names-in-headers)
using kith::ErrorCode;

inline constexpr auto kPatience = 30s;  // a bound for a hung test, never a measure
inline const std::string kSecret = "a secret of at least thirty-two bytes";

inline kith::UserId user(const std::string& handle) {
  return kith::UserId::of(handle);
}

// Records the calls of a screen; tests wait until it shows something.
class Recorder : public Screen {
 public:
  void connection(kc::ConnectionState state, const std::string& reason) override {
    change([&] { states.push_back(state), reasons.push_back(reason); });
  }
  void notify(const kc::Message& message) override {
    change([&] { notified.push_back(message.text); });
  }
  void typing(const kith::UserId& who, bool on) override {
    change([&] { typists[who] = on; });
  }
  void presence(const kith::UserId& who, kc::Presence now, kith::Timestamp seen) override {
    change([&] { present[who] = now, last_seen[who] = seen; });
  }
  void conversations(const std::vector<kc::Conversation>& rows) override {
    change([&] { list = rows; });
  }
  void timeline(const std::vector<kc::Message>& rows) override {
    change([&] { messages = rows; });
  }
  void settings(const kc::Privacy&, const std::vector<kith::UserId>& blocked) override {
    change([&] { blocks = blocked; });
  }
  void say(const std::string& sentence) override {
    change([&] { said.push_back(sentence); });
  }
  bool shows(const std::function<bool()>& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, what);
  }

  std::vector<kc::ConnectionState> states;
  std::vector<std::string> reasons, notified, said;
  std::map<kith::UserId, bool> typists;
  std::map<kith::UserId, kc::Presence> present;
  std::map<kith::UserId, kith::Timestamp> last_seen;
  std::vector<kith::UserId> blocks;
  std::vector<kc::Conversation> list;
  std::vector<kc::Message> messages;

 private:
  void change(const std::function<void()>& how) {
    const std::lock_guard lock(mutex_);
    how();
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
};

// A back end that fails once, then signs tokens, from a thread of its own.
class FlakyBackEnd : public BackEnd {
 public:
  explicit FlakyBackEnd(std::string handle) : handle_(std::move(handle)) {}
  ~FlakyBackEnd() override {
    for (std::thread& thread : threads_) thread.join();
  }
  void fetch(const std::string&, std::function<void(int, std::string)> done) override {
    const bool fails = calls++ == 0;
    threads_.emplace_back([this, fails, done] {
      fails ? done(503, "") : done(refuse ? 401 : 200, token_for(kSecret, handle_));
    });
  }
  std::atomic<int> calls = 0;
  std::atomic<bool> refuse = false;

 private:
  std::string handle_;
  std::vector<std::thread> threads_;
};

template <class T>
kith::Result<T> wait_for(const std::function<void(kc::Done<T>)>& start) {
  auto answer = std::make_shared<std::promise<kith::Result<T>>>();
  auto future = answer->get_future();
  start([answer](kith::Result<T> result) { answer->set_value(std::move(result)); });
  if (future.wait_for(kPatience) != std::future_status::ready)
    return kith::make_error(ErrorCode::kTimeout, "no answer");
  return future.get();
}

class Guide : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kith-guide-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
    ks::ServerOptions options;
    options.port = 0;
    options.register_accounts = true;
    options.presence_grace = 0ms;
    auto accepts = ks::jwt_authenticator(kSecret);
    ASSERT_TRUE(accepts.ok());
    options.authenticator = std::move(*accepts);
    auto started = ks::Server::start(std::move(options));
    ASSERT_TRUE(started.ok()) << started.error().to_string();
    server = std::move(*started);
  }
  void TearDown() override { std::filesystem::remove_all(dir); }

  std::unique_ptr<kc::Client> enter(const std::string& handle) {
    auto client =
        open_account(server->url(), handle, dir, kc::fixed_token(token_for(kSecret, handle)));
    if (!client) throw std::runtime_error(client.error().to_string());
    const auto online = (*client)->wait_online(kPatience);
    if (!online) throw std::runtime_error(online.error().to_string());
    return std::move(*client);
  }

  std::string dir;
  std::unique_ptr<ks::Server> server;
};

}  // namespace guide
