// A server all of whose ports are given: nothing is its own, everything answers later, and it is the same
// messenger, also after a restart.
#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "examples/own_engine/posting_bus.h"
#include "kith/client/client.h"
#include "kith/server/ports/server_ports.h"
#include "kith/server/server.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);

// A registry somewhere else: nothing is at hand.
class PostingRegistry : public SessionRegistry {
 public:
  explicit PostingRegistry(Scheduler& loop) : loop_(loop), all_(loop) {}
  void add_gateway(const std::string& gateway, std::function<void()> lost) override {
    all_.add_gateway(gateway, std::move(lost));
  }
  void add(const UserId& user, const SessionRef& session, Done<void> done) override {
    all_.add(user, session, [](const Status&) {});
    loop_.post([alive = std::weak_ptr(alive_), done = std::move(done)] {
      if (alive.lock()) done({});
    });
  }
  [[nodiscard]] bool complete() const override { return all_.complete(); }
  void remove(const UserId& user, const SessionRef& session) override {
    all_.remove(user, session);
  }
  void lookup(const UserId& user, Done<std::vector<SessionRef>> done) override {
    all_.lookup(user, [&, done = std::move(done)](Result<std::vector<SessionRef>> found) mutable {
      loop_.post([alive = std::weak_ptr(alive_), done = std::move(done), found]() mutable {
        if (alive.lock()) done(std::move(found));
      });
    });
  }
  void remove_gateway(const std::string& gateway) override { all_.remove_gateway(gateway); }

 private:
  Scheduler& loop_;
  SessionRegistryMemory all_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// Data that outlives the server.
struct Engines {
  std::shared_ptr<ConversationStoreMemory::Disk> store =
      std::make_shared<ConversationStoreMemory::Disk>();
  std::shared_ptr<CommandLogMemory::Disk> log = std::make_shared<CommandLogMemory::Disk>();
  std::shared_ptr<FeedStoreMemory::Disk> feed = std::make_shared<FeedStoreMemory::Disk>();
  std::shared_ptr<DirectoryMemory::Disk> directory = std::make_shared<DirectoryMemory::Disk>();
  std::shared_ptr<SearchIndexMemory::Disk> search = std::make_shared<SearchIndexMemory::Disk>();
  std::vector<std::string> opened;
  std::set<std::thread::id> threads;  // that opened them
};

template <class Port, class Adapter, class... Kept>
OpenPort<Port> opens(Engines& engines, const std::string& name, Kept... kept) {
  return [&engines, name, kept...](Scheduler& loop) -> std::unique_ptr<Port> {
    engines.opened.push_back(name);
    engines.threads.insert(std::this_thread::get_id());
    return std::make_unique<Adapter>(kept..., loop);
  };
}

template <class Port, class Adapter, class Kept>
OpenPartition<Port> opens_partition(Engines& engines, const std::string& name, Kept kept) {
  return [&engines, name, kept](Scheduler& loop, std::uint32_t partition) {
    return opens<Port, Adapter>(engines, name + std::to_string(partition), kept)(loop);
  };
}

ServerPorts ports_on(Engines& engines) {
  ServerPorts ports;
  ports.store =
      opens_partition<ConversationStore, ConversationStoreMemory>(engines, "store", engines.store);
  ports.log = opens_partition<CommandLog, CommandLogMemory>(engines, "log", engines.log);
  ports.feed = opens<FeedStore, FeedStoreMemory>(engines, "feed", engines.feed);
  ports.directory = opens<Directory, DirectoryMemory>(engines, "directory", engines.directory);
  ports.search = opens<SearchIndex, SearchIndexMemory>(engines, "search", engines.search);
  ports.registry = opens<SessionRegistry, PostingRegistry>(engines, "registry");
  ports.bus = opens<Bus, own_engine::PostingBus>(engines, "bus");
  return ports;
}

class GivenPorts : public testing::Test {
 protected:
  std::unique_ptr<Server> started() {
    ServerOptions options;
    options.port = 0;
    options.register_accounts = true;
    options.password_cost = 10;
    options.secret = std::string(32, 's');
    return opened(Server::start(std::move(options), ports_on(engines_)));
  }
  std::unique_ptr<client::Client> enter(const Server& server, const std::string& handle) {
    client::ClientOptions options{
        .url = server.url(), .handle = handle, .cache_dir = dir_.file(handle)};
    auto token = client::Client::register_account(options, "correct horse battery");
    if (!token) token = client::Client::sign_in(options, "correct horse battery");
    EXPECT_TRUE(token.ok()) << token.error().to_string();
    if (!token) return nullptr;
    options.token = client::fixed_token(token->value);
    auto entered = opened(client::Client::open(options));
    if (!entered) return nullptr;
    entered->connect();
    EXPECT_TRUE(entered->wait_online(kPatience).ok());
    return entered;
  }

  ScratchDirectory dir_;
  Engines engines_;
};

TEST_F(GivenPorts, MessagesAreHeardAndThereAfterARestart) {
  for (const std::string text : {"first", "second"}) {
    auto server = started();
    ASSERT_TRUE(server);
    auto ada = enter(*server, "ada");
    auto bob = enter(*server, "bob");
    ASSERT_TRUE(ada && bob);
    std::promise<void> heard;
    std::promise<void> read;
    const auto at_bob = bob->on_event([&](const client::Event& event) {
      const auto* changed = std::get_if<client::MessageChanged>(&event);
      if (changed && changed->is_new && changed->message.text == text) heard.set_value();
    });
    bool told = false;
    const auto at_ada = ada->on_event([&](const client::Event& event) {
      const auto* changed = std::get_if<client::MessageChanged>(&event);
      if (!changed || changed->message.text != text || told) return;
      told = changed->message.status == DeliveryStatus::kDelivered;
      if (told) read.set_value();
    });
    ASSERT_TRUE(ada->send(ada->direct("bob"), text).ok());
    EXPECT_EQ(heard.get_future().wait_for(kPatience), std::future_status::ready);
    EXPECT_EQ(read.get_future().wait_for(kPatience), std::future_status::ready);
    EXPECT_EQ(server->backup(dir_.file("backup")).error().code, ErrorCode::kUnimplemented);
  }
  EXPECT_EQ(engines_.opened,
            (std::vector<std::string>{"store0", "log0", "feed", "directory", "search", "registry",
                                      "bus", "store0", "log0", "feed", "directory", "search",
                                      "registry", "bus"}));
  EXPECT_EQ(engines_.threads.count(std::this_thread::get_id()), 0u) << "opened on the loop";
  auto server = started();
  auto bob = enter(*server, "bob");
  ASSERT_TRUE(bob);
  std::promise<std::vector<std::string>> texts;
  bob->history(bob->direct("ada"), {}, 100, [&](const Result<std::vector<client::Message>>& all) {
    std::vector<std::string> found;
    for (const auto& message : *all) {
      if (message.kind == MessageKind::kText) found.push_back(message.text);
    }
    texts.set_value(found);
  });
  EXPECT_EQ(texts.get_future().get(), (std::vector<std::string>{"first", "second"}));
}

}  // namespace
}  // namespace kith::server
