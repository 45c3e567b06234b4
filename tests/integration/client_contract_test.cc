// The callback contract of the client and its coalesced views, under threads, against
// a real server; made to be run under ThreadSanitizer and AddressSanitizer too.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

#include "kith/client/client.h"
#include "kith/server/server.h"

namespace kith::client {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = 60s;  // a bound for a hung test, never a measure

class ClientContract : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "kith-contract-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    dir = name;
    server::ServerOptions options;
    options.port = 0;
    options.authenticator = std::move(*server::jwt_authenticator(secret));
    options.account_commands_per_s = 1'000'000;
    options.account_commands_burst = 1'000'000;
    auto made = server::Server::start(options);
    ASSERT_TRUE(made.ok()) << made.error().to_string();
    server = std::move(*made);
  }
  void TearDown() override {
    server.reset();
    std::filesystem::remove_all(dir);
  }
  std::unique_ptr<Client> open(const std::string& handle) {
    ClientOptions options;
    options.url = server->url();
    options.handle = handle;
    options.cache_dir = dir + "/" + handle;
    const std::int64_t now = system_clock().wall().ms;
    options.token = fixed_token(server::make_jwt(secret, {handle, handle, now, now + 3'600'000}));
    auto client = Client::open(options);
    EXPECT_TRUE(client.ok()) << client.error().to_string();
    return client.ok() ? std::move(*client) : nullptr;
  }

  const std::string secret = "a secret of at least thirty-two bytes";
  std::string dir;
  std::unique_ptr<server::Server> server;
};

// Watches the rules while callbacks of one client run.
class Referee {
 public:
  // For the time of one callback.
  class Turn {
   public:
    explicit Turn(Referee& referee) : referee_(referee) {
      if (referee_.running_.fetch_add(1) != 0) ++referee_.overlapped;
      if (referee_.closed) ++referee_.late;
      ++referee_.callbacks;
    }
    ~Turn() { --referee_.running_; }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    Referee& referee_;
  };

  std::atomic<int> overlapped{0};
  std::atomic<int> late{0};
  std::atomic<int> callbacks{0};
  std::atomic<bool> closed{false};  // close() has returned

 private:
  std::atomic<int> running_{0};
};

// One life of a client: threads call everything, from outside and from inside callbacks, until it
// is closed.
class Life {
 public:
  Life(std::unique_ptr<Client> client, unsigned seed) : client_(std::move(client)), seed_(seed) {}

  void run() {
    peer_ = client_->direct("carol");
    const auto events = client_->on_event([this](const Event&) {
      const Referee::Turn turn(referee);
      thread_local std::mt19937 random(seed_);
      call_something(random);
    });
    const auto list = client_->observe_conversations([this](const auto&) {
      const Referee::Turn turn(referee);
      (void)client_->conversations(5);
    });
    client_->connect();
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i) {
      threads.emplace_back([this, i] {
        std::mt19937 random(seed_ * 10 + i);
        for (int call = 0; call < 60; ++call) call_something(random);
      });
    }
    // Two close at the same time, while the others still call.
    std::thread closer([this] { close(); });
    for (int wait = 0; wait < 200 && referee.callbacks < 20; ++wait) {
      (void)client_->wait_sent(1ms);
    }
    close();
    closer.join();
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(client_->send(peer_, "late").error().code, ErrorCode::kClosed);
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(answered_.wait_for(lock, kPatience, [this] { return asked_ == replies_; }));
  }

  Referee referee;
  std::chrono::milliseconds longest_close{0};

 private:
  void close() {
    const auto begin = Clock::now();
    if (begin_closing_.exchange(true)) {
      client_->close();
      return;
    }
    for (int call = 0; call < 30; ++call) (void)client_->wait_sent(1ms);
    const auto from = Clock::now();
    client_->close();
    referee.closed = true;
    longest_close = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - from);
    EXPECT_GE(Clock::now(), begin);
  }

  template <class T>
  Done<T> once() {
    {
      const std::lock_guard lock(mutex_);
      ++asked_;
    }
    auto seen = std::make_shared<std::atomic<int>>(0);
    return [this, seen](const Result<T>&) {
      EXPECT_EQ(seen->fetch_add(1), 0) << "an answer came twice";
      const std::lock_guard lock(mutex_);
      ++replies_;
      answered_.notify_all();
    };
  }

  void call_something(std::mt19937& random) {
    switch (random() % 16) {
      case 0:
      case 1:
      case 2:
        (void)client_->send(peer_, "text");
        break;
      case 3:
        client_->history(peer_, {}, 10, once<std::vector<Message>>());
        break;
      case 4:
        client_->find_users({"carol"}, once<std::vector<Profile>>());
        break;
      case 5:
        (void)client_->mark_read(peer_);
        break;
      case 6:
        client_->set_typing(peer_, random() % 2 == 0);
        break;
      case 7:
        (void)client_->observe_timeline(peer_, 5,
                                        [this](const auto&) { const Referee::Turn turn(referee); });
        break;
      case 8:
        client_->disconnect();
        client_->connect();
        break;
      case 9:
        client_->network_changed();
        break;
      case 10:
        random() % 2 == 0 ? client_->background() : client_->foreground();
        break;
      case 11:
        client_->watch_presence({UserId::of("carol")});
        break;
      case 12:
        client_->set_privacy({}, once<void>());
        break;
      case 13:
        (void)client_->profile(UserId::of("carol"));
        break;
      case 14:
        (void)client_->connection();
        break;
      default:
        (void)client_->conversations();
    }
  }

  std::unique_ptr<Client> client_;
  const unsigned seed_;
  ConversationId peer_;
  std::atomic<bool> begin_closing_{false};
  std::mutex mutex_;
  std::condition_variable answered_;
  int asked_ = 0;
  int replies_ = 0;
};

//
TEST_F(ClientContract, CallbacksComeOneAtATimeAndNeverAfterClose) {
  (void)open("carol");
  int callbacks = 0;
  for (unsigned round = 0; round < 12; ++round) {
    Life life(open(round % 2 == 0 ? "alice" : "bob"),
              round + 1);  // users are switched, caches opened again
    life.run();
    EXPECT_EQ(life.referee.overlapped, 0);
    EXPECT_EQ(life.referee.late, 0);
    EXPECT_LT(life.longest_close, 5s);  // 2 s, on a machine that does other things too
    callbacks += life.referee.callbacks;
  }
  EXPECT_GT(callbacks, 100);
}

// a client may be closed in any of its callbacks.
TEST_F(ClientContract, ClosesInsideEachKindOfCallback) {
  for (int kind = 0; kind < 4; ++kind) {
    auto client = open("alice");
    std::mutex mutex;
    std::condition_variable changed;
    bool closed = false;
    const auto close = [&] {
      client->close();
      const std::lock_guard lock(mutex);
      closed = true;
      changed.notify_all();
    };
    const ConversationId bob = client->direct("bob");
    std::unique_ptr<Subscription> subscription;
    if (kind == 0) subscription = client->on_event([&](const Event&) { close(); });
    if (kind == 1) subscription = client->observe_conversations([&](const auto&) { close(); });
    if (kind == 2) subscription = client->observe_timeline(bob, 5, [&](const auto&) { close(); });
    if (kind == 3) client->history(bob, {}, 5, [&](const auto&) { close(); });
    client->connect();
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, kPatience, [&] { return closed; })) << "kind " << kind;
  }
}

template <class T>
void apply(std::vector<T>& list, const std::vector<Diff<T>>& steps) {
  using Kind = typename Diff<T>::Kind;
  for (const auto& step : steps) {
    const auto at = [&](std::size_t i) { return list.begin() + static_cast<std::ptrdiff_t>(i); };
    switch (step.kind) {
      case Kind::kReset:
        list = step.items;
        break;
      case Kind::kRemove:
        list.erase(at(step.index));
        break;
      case Kind::kInsert:
        list.insert(at(step.index), step.items[0]);
        break;
      case Kind::kUpdate:
        *at(step.index) = step.items[0];
        break;
      case Kind::kMove: {
        const T moved = *at(step.from);
        list.erase(at(step.from));
        list.insert(at(step.index), moved);
        break;
      }
    }
  }
}

// A list as an application keeps it from diffs.
template <class T>
class Mirror {
 public:
  void change(const std::vector<Diff<T>>& steps) {
    const std::lock_guard lock(mutex_);
    if (batches_++ == 0) {
      EXPECT_EQ(steps.front().kind, Diff<T>::Kind::kReset);
      first_ = Clock::now();
    }
    EXPECT_FALSE(steps.empty());
    apply(list_, steps);
    last_ = Clock::now();
    changed_.notify_all();
  }
  bool wait(const std::function<bool(const std::vector<T>&)>& until) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return until(list_); });
  }
  std::vector<T> list() {
    const std::lock_guard lock(mutex_);
    return list_;
  }
  // At most 20 a second, one at each end more.
  void expect_budget() {
    const std::lock_guard lock(mutex_);
    const double seconds = std::chrono::duration<double>(last_ - first_).count();
    EXPECT_LE(static_cast<double>(batches_), seconds * 20 + 2);
  }
  int batches() {
    const std::lock_guard lock(mutex_);
    return batches_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<T> list_;
  int batches_ = 0;
  Clock::time_point first_{};
  Clock::time_point last_{};
};

// a flood, live and by catching up, arrives as few batches that add up to the list itself.
TEST_F(ClientContract, FloodArrivesAsFewDiffsThatAddUp) {
  constexpr std::size_t kMessages = 1'500;
  constexpr std::size_t kWindow = 60;
  auto alice = open("alice");
  auto bob = open("bob");
  bob->connect();
  ASSERT_TRUE(bob->wait_online(kPatience).ok());
  const ConversationId room = alice->direct("bob");
  Mirror<Message> timeline;
  Mirror<Conversation> list;
  auto first =
      bob->observe_timeline(room, kWindow, [&](const auto& steps) { timeline.change(steps); });
  auto second = bob->observe_conversations([&](const auto& steps) { list.change(steps); });
  alice->connect();
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 3; ++writer) {
    writers.emplace_back([&] {
      for (std::size_t i = 0; i < kMessages / 3; ++i) {
        if (!alice->send(room, "flood").ok()) ADD_FAILURE() << "send";
      }
    });
  }
  bob->disconnect();  // misses the middle
  for (auto& writer : writers) writer.join();
  bob->connect();
  ASSERT_TRUE(alice->wait_sent(kPatience).ok());
  // The newest come first; a long gap is filled behind them.
  const auto end = [&](const std::vector<Message>& shown) {
    return shown.size() == kWindow && shown.back().seq.value >= kMessages &&
           shown.back().seq.value - shown.front().seq.value == kWindow - 1;
  };
  ASSERT_TRUE(timeline.wait(end));
  ASSERT_TRUE(list.wait([&](const auto& shown) {
    return shown.size() == 1 && shown[0].unread == kMessages &&
           shown[0].last_seq.value >= kMessages;
  }));
  timeline.expect_budget();
  list.expect_budget();

  // Looking again at what has not changed costs one reset and nothing else.
  Mirror<Message> again;
  const auto third =
      bob->observe_timeline(room, kWindow, [&](const auto& steps) { again.change(steps); });
  ASSERT_TRUE(again.wait(end));
  EXPECT_EQ(again.list(), timeline.list());
  EXPECT_EQ(again.batches(), 1);
}

}  // namespace
}  // namespace kith::client
