// Sends messages through a server on an engine of your own, and starts it with another engine than
// before.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "broker_log.h"
#include "kith/client/client.h"
#include "kith/server/ports/server_ports.h"
#include "start.h"

namespace own_engine {
namespace {

namespace kc = kith::client;
namespace ks = kith::server;
using kith::ErrorCode;

constexpr auto kPatience = std::chrono::seconds(30);

class OwnEngine : public testing::Test {
 protected:
  OwnEngine() {
    std::string name = (std::filesystem::temp_directory_path() / "own-engine-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) ADD_FAILURE() << "no directory";
    dir_ = name;
  }
  ~OwnEngine() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }
  ks::ServerOptions options() const {
    ks::ServerOptions options;
    options.port = 0;
    options.data_dir = dir_ + "/data";
    options.register_accounts = true;
    options.password_cost = 10;
    return options;
  }
  std::unique_ptr<ks::Server> started() {
    auto server = start_on(broker_, options());
    if (!server) ADD_FAILURE() << server.error().to_string();
    return server ? std::move(*server) : nullptr;
  }
  // A device whose account is made at the first time.
  std::unique_ptr<kc::Client> enter(const ks::Server& server, const std::string& handle) const {
    kc::ClientOptions options{
        .url = server.url(), .handle = handle, .cache_dir = dir_ + "/" + handle};
    auto token = kc::Client::register_account(options, "correct horse battery");
    if (!token) token = kc::Client::sign_in(options, "correct horse battery");
    if (!token) ADD_FAILURE() << token.error().to_string();
    if (!token) return nullptr;
    options.token = kc::fixed_token(token->value);
    auto client = kc::Client::open(options);
    if (!client) ADD_FAILURE() << client.error().to_string();
    if (!client) return nullptr;
    (*client)->connect();
    EXPECT_TRUE((*client)->wait_online(kPatience).ok());
    return std::move(*client);
  }
  static std::vector<std::string> texts(kc::Client& client, const kith::ConversationId& chat) {
    std::promise<kith::Result<std::vector<kc::Message>>> answer;
    client.history(chat, {}, 100, [&](kith::Result<std::vector<kc::Message>> messages) {
      answer.set_value(std::move(messages));
    });
    std::vector<std::string> found;
    const auto messages = answer.get_future().get();
    if (!messages) ADD_FAILURE() << messages.error().to_string();
    if (!messages) return found;
    for (const kc::Message& message : *messages) {
      if (message.kind == kith::MessageKind::kText) found.push_back(message.text);
    }
    return found;
  }

  std::string dir_;
  std::shared_ptr<Broker> broker_ = std::make_shared<Broker>();
};

TEST_F(OwnEngine, MessagesGoThroughItAndAreThereAfterARestart) {
  {
    auto server = started();
    ASSERT_TRUE(server);
    auto ada = enter(*server, "ada");
    auto bob = enter(*server, "bob");
    ASSERT_TRUE(ada && bob);
    std::promise<std::string> heard;
    const auto events = bob->on_event([&](const kc::Event& event) {
      const auto* changed = std::get_if<kc::MessageChanged>(&event);
      if (changed && changed->is_new && changed->message.kind == kith::MessageKind::kText) {
        heard.set_value(changed->message.text);
      }
    });
    ASSERT_TRUE(ada->send(ada->direct("bob"), "through the broker").ok());
    ASSERT_TRUE(ada->wait_sent(kPatience).ok());
    auto said = heard.get_future();
    ASSERT_EQ(said.wait_for(kPatience), std::future_status::ready) << "the bus brought nothing";
    EXPECT_EQ(said.get(), "through the broker");
    EXPECT_GT(broker_->topic(0).last(), 0u);
    EXPECT_EQ(server->backup(dir_ + "/backup").error().code, ErrorCode::kUnimplemented);
    EXPECT_FALSE(std::filesystem::exists(dir_ + "/backup"));
    EXPECT_TRUE(server->reload(options()).ok());
    server->stop();
    EXPECT_EQ(broker_.use_count(), 1) << "stop() has destroyed the log";
    EXPECT_EQ(server->backup(dir_ + "/backup").error().code, ErrorCode::kClosed);
  }
  const auto before = broker_->topic(0).last();
  auto server = started();
  ASSERT_TRUE(server);
  auto bob = enter(*server, "bob");
  ASSERT_TRUE(bob);
  ASSERT_TRUE(bob->send(bob->direct("ada"), "still there").ok());
  ASSERT_TRUE(bob->wait_sent(kPatience).ok());
  EXPECT_EQ(texts(*bob, bob->direct("ada")),
            (std::vector<std::string>{"through the broker", "still there"}));
  EXPECT_GT(broker_->topic(0).last(), before);
}

TEST_F(OwnEngine, AFullEngineRefusesAndIsGoodAgainWhenThereIsRoom) {
  auto server = started();
  ASSERT_TRUE(server);
  auto ada = enter(*server, "ada");
  auto bob = enter(*server, "bob");
  ASSERT_TRUE(ada && bob);
  broker_->topic(0).set_room(0);
  ASSERT_TRUE(ada->send(ada->direct("bob"), "waits for room").ok());
  EXPECT_EQ(ada->wait_sent(std::chrono::milliseconds(300)).error().code, ErrorCode::kTimeout);
  broker_->topic(0).set_room(SIZE_MAX);
  ASSERT_TRUE(ada->wait_sent(kPatience).ok());
  EXPECT_EQ(texts(*ada, ada->direct("bob")), std::vector<std::string>{"waits for room"});
}

TEST_F(OwnEngine, TheEngineOfAnotherDirectoryIsRefused) {
  {
    auto server = started();
    ASSERT_TRUE(server);
    auto ada = enter(*server, "ada");
    auto bob = enter(*server, "bob");
    ASSERT_TRUE(ada && bob);
    ASSERT_TRUE(ada->send(ada->direct("bob"), "hello").ok());
    ASSERT_TRUE(ada->wait_sent(kPatience).ok());
    while (server->stats().at("apply_lag") > 0) std::this_thread::yield();
  }
  const auto kept = std::exchange(broker_, std::make_shared<Broker>());
  const auto emptied = start_on(broker_, options());
  ASSERT_FALSE(emptied.ok());
  EXPECT_EQ(emptied.error().code, ErrorCode::kCacheCorrupt)
      << "the store has what the log never had";
  broker_ = kept;
  // Without it the server would begin an empty journal beside a store that is ahead of it.
  const auto without = ks::Server::start(options());
  ASSERT_FALSE(without.ok());
  EXPECT_EQ(without.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(without.error().message.find("log"), std::string::npos) << without.error().message;
  EXPECT_EQ(ks::backup_data_dir(options().data_dir, dir_ + "/backup").error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_TRUE(started()) << "nothing was changed by it";
}

TEST_F(OwnEngine, WhatItFailsWithStartFailsWith) {
  ks::ServerPorts ports;
  ports.log = [](kith::Scheduler&, std::uint32_t) -> kith::Result<std::unique_ptr<ks::CommandLog>> {
    return kith::make_error(ErrorCode::kUnavailable, "no broker answers");
  };
  EXPECT_EQ(ks::Server::start(options(), ports).error().message, "no broker answers");
  ports.log = [](kith::Scheduler&, std::uint32_t) { return std::unique_ptr<ks::CommandLog>(); };
  EXPECT_EQ(ks::Server::start(options(), ports).error().code, ErrorCode::kInvalidArgument);
  EXPECT_TRUE(ks::Server::start(options()).ok()) << "neither has left a trace";
}

TEST_F(OwnEngine, AStartThatFailsLetsTheEngineGo) {
  auto first = ks::Server::start(options());
  ASSERT_TRUE(first.ok());
  ks::ServerOptions second = options();
  second.data_dir += "-of-another";
  second.port = (*first)->port();
  EXPECT_EQ(start_on(broker_, second).error().code, ErrorCode::kAddressInUse);
  EXPECT_EQ(broker_.use_count(), 1);
  second.port = 0;
  EXPECT_TRUE(start_on(broker_, second).ok());
}

TEST_F(OwnEngine, WithoutADirectoryWhatLastsIsGivenTogether) {
  ks::ServerOptions in_memory = options();
  in_memory.data_dir.clear();
  const auto refused = start_on(broker_, in_memory);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("data_dir"), std::string::npos);
  ks::ServerPorts bus_alone;
  bus_alone.bus = [](kith::Scheduler&) -> kith::Result<std::unique_ptr<ks::Bus>> {
    return kith::make_error(ErrorCode::kUnavailable, "it was asked");
  };
  EXPECT_EQ(ks::Server::start(in_memory, bus_alone).error().message, "it was asked");
}

TEST_F(OwnEngine, ASearchIndexThatFailsLeavesAServerThatSaysSo) {
  ks::ServerPorts ports;
  ports.search = [](kith::Scheduler&) -> kith::Result<std::unique_ptr<ks::SearchIndex>> {
    return kith::make_error(ErrorCode::kUnavailable, "no index answers");
  };
  auto server = ks::Server::start(options(), ports);
  ASSERT_TRUE(server.ok()) << server.error().to_string();
  const ks::Readiness readiness = (*server)->readiness();
  EXPECT_TRUE(readiness.ready);
  EXPECT_EQ(readiness.warnings, std::vector<std::string>{"search_failing"});
}

}  // namespace
}  // namespace own_engine
