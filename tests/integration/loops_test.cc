// A server whose partitions have loops of their own: the same messenger, and a partition that stands still holds
// nobody else.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "kith/client/client.h"
#include "kith/server/ports/server_ports.h"
#include "kith/server/server.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/records/partition.h"
#include "tests/conformance/scratch_directory.h"

namespace kith::server {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr std::uint32_t kPartitions = 4;

// Heard has the texts of the messages that one client has received.
class Heard {
 public:
  void add(const std::string& text) {
    const std::lock_guard lock(mutex_);
    texts_.insert(text);
    changed_.notify_all();
  }
  [[nodiscard]] bool wait_for(const std::string& text, std::chrono::milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return texts_.contains(text); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<std::string> texts_;
};

class LoopsTest : public ::testing::Test {
 protected:
  LoopsTest() {
    for (auto& log : logs) log = std::make_shared<CommandLogMemory::Disk>();
    for (auto& store : stores) store = std::make_shared<ConversationStoreMemory::Disk>();
  }
  ServerPorts ports() {
    ServerPorts given;
    given.store = [this](Scheduler& loop,
                         std::uint32_t partition) -> Result<std::unique_ptr<ConversationStore>> {
      return {std::make_unique<ConversationStoreMemory>(stores.at(partition), loop)};
    };
    given.log = [this](Scheduler& loop,
                       std::uint32_t partition) -> Result<std::unique_ptr<CommandLog>> {
      return {std::make_unique<CommandLogMemory>(logs.at(partition), loop)};
    };
    given.feed = [this](Scheduler& loop) -> Result<std::unique_ptr<FeedStore>> {
      return {std::make_unique<FeedStoreMemory>(feeds, loop)};
    };
    given.directory = [this](Scheduler& loop) -> Result<std::unique_ptr<Directory>> {
      return {std::make_unique<DirectoryMemory>(people, loop)};
    };
    return given;
  }
  static ServerOptions options() {
    ServerOptions options;
    options.port = 0;
    options.register_accounts = true;
    options.password_cost = 10;
    options.secret = std::string(32, 's');
    options.partitions = kPartitions;
    options.loops = 3;
    return options;
  }
  std::unique_ptr<client::Client> enter(const Server& server, const std::string& handle) {
    client::ClientOptions options{
        .url = server.url(), .handle = handle, .cache_dir = dir.file(handle)};
    auto token = client::Client::register_account(options, "correct horse battery");
    if (!token) token = client::Client::sign_in(options, "correct horse battery");
    EXPECT_TRUE(token.ok());
    if (!token) return nullptr;
    options.token = client::fixed_token(token->value);
    auto entered = client::Client::open(options);
    EXPECT_TRUE(entered.ok());
    if (!entered) return nullptr;
    (*entered)->connect();
    EXPECT_TRUE((*entered)->wait_online(kPatience).ok());
    return std::move(*entered);
  }

  ScratchDirectory dir;
  std::array<std::shared_ptr<CommandLogMemory::Disk>, kPartitions> logs;
  std::array<std::shared_ptr<ConversationStoreMemory::Disk>, kPartitions> stores;
  std::shared_ptr<FeedStoreMemory::Disk> feeds = std::make_shared<FeedStoreMemory::Disk>();
  std::shared_ptr<DirectoryMemory::Disk> people = std::make_shared<DirectoryMemory::Disk>();
};

// Friends of ada, one for each partition that their 1:1 with her may lie in.
std::array<std::string, kPartitions> friends() {
  std::array<std::string, kPartitions> found;
  for (int n = 0; found[0].empty() || found[1].empty() || found[2].empty() || found[3].empty();
       ++n) {
    const std::string handle = "friend" + std::to_string(n);
    const auto room = ConversationId::direct(UserId::of("ada"), UserId::of(handle));
    found.at(partition_of(room, kPartitions)) = handle;
  }
  return found;
}

std::unique_ptr<client::Subscription> listen(client::Client& client, Heard& heard) {
  return client.on_event([&heard](const client::Event& event) {
    const auto* changed = std::get_if<client::MessageChanged>(&event);
    if (changed != nullptr && changed->is_new) heard.add(changed->message.text);
  });
}

TEST_F(LoopsTest, ConversationsOfAllPartitionsAreOneMessengerAlsoAfterARestart) {
  const auto all = friends();
  for (const std::string round : {"first", "second"}) {
    auto server = opened(Server::start(options(), ports()));
    ASSERT_TRUE(server);
    auto ada = enter(*server, "ada");
    ASSERT_TRUE(ada);
    std::array<Heard, kPartitions> heard;
    std::vector<std::unique_ptr<client::Client>> clients;
    std::vector<std::unique_ptr<client::Subscription>> listening;
    for (std::uint32_t i = 0; i < kPartitions; ++i) {
      clients.push_back(enter(*server, all[i]));
      ASSERT_TRUE(clients.back());
      listening.push_back(listen(*clients.back(), heard[i]));
      ASSERT_TRUE(ada->send(ada->direct(all[i]), round + " of " + all[i]).ok());
    }
    for (std::uint32_t i = 0; i < kPartitions; ++i) {
      EXPECT_TRUE(heard[i].wait_for(round + " of " + all[i], kPatience)) << "partition " << i;
    }
    EXPECT_EQ(ada->conversations().size(), kPartitions);
    const auto placed = [&] { return server->stats().at("messages_placed"); };
    const auto until = std::chrono::steady_clock::now() + kPatience;
    while (placed() < kPartitions && std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    EXPECT_GE(placed(), kPartitions) << "what the partitions report, a moment later";
  }
  for (std::uint32_t i = 0; i < kPartitions; ++i) {
    EXPECT_GE(logs[i]->entries.size(), 4u)
        << "of partition " << i << ": two messages and their receipts";
  }
}

TEST_F(LoopsTest, APartitionWhoseLoopStandsStillHoldsNobodyElse) {
  const auto all = friends();
  std::promise<void> gate;
  const std::shared_future<void> open = gate.get_future().share();
  std::atomic<bool> stands{false};
  // Partitions 0 and 2 are on one loop, 1 and 3 on the other. The loop itself is blocked.
  logs[0]->commit_delay = [&] {
    if (stands) open.wait();
    return Millis(0);
  };
  auto server = opened(Server::start(options(), ports()));
  ASSERT_TRUE(server);
  auto ada = enter(*server, "ada");
  auto stalled = enter(*server, all[0]);
  auto other = enter(*server, all[1]);
  ASSERT_TRUE(ada && stalled && other);
  Heard at_stalled, at_other;
  const auto listens = listen(*stalled, at_stalled);
  const auto listens_too = listen(*other, at_other);
  stands = true;
  ASSERT_TRUE(ada->send(ada->direct(all[0]), "late").ok());
  for (int n = 0; n < 20; ++n) {
    const std::string text = "on time " + std::to_string(n);
    ASSERT_TRUE(ada->send(ada->direct(all[1]), text).ok());
    EXPECT_TRUE(at_other.wait_for(text, kPatience));
  }
  EXPECT_TRUE(server->readiness().ready);
  EXPECT_FALSE(server->stats().empty()) << "the front does not wait for it";
  EXPECT_FALSE(at_stalled.wait_for("late", std::chrono::milliseconds(50)));
  gate.set_value();
  EXPECT_TRUE(at_stalled.wait_for("late", kPatience));
}

TEST_F(LoopsTest, FilesOfOneLoopAreThoseOfSeveral) {
  const auto all = friends();
  ServerOptions on_disk = options();
  on_disk.data_dir = dir.file("data");
  int copies = 0;
  for (const std::uint32_t loops : {1U, 3U, 5U, 1U}) {
    on_disk.loops = loops;
    auto server = opened(Server::start(on_disk));
    ASSERT_TRUE(server);
    auto ada = enter(*server, "ada");
    auto bob = enter(*server, all[1]);
    ASSERT_TRUE(ada && bob);
    Heard heard;
    const auto listens = listen(*bob, heard);
    const std::string text = "by " + std::to_string(loops);
    ASSERT_TRUE(ada->send(ada->direct(all[1]), text).ok());
    EXPECT_TRUE(heard.wait_for(text, kPatience));
    const std::string copy = dir.file("copy" + std::to_string(++copies));
    EXPECT_TRUE(server->backup(copy).ok());
  }
}

}  // namespace
}  // namespace kith::server
