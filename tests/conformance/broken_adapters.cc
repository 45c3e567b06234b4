// Adapters that break one sentence of their port's contract each; broken_adapters_test.py wants every one
// of them found by the case that it names.
#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "kith/conformance/bus_suite.h"
#include "kith/conformance/command_log_suite.h"
#include "kith/conformance/conversation_store_suite.h"
#include "kith/conformance/directory_suite.h"
#include "kith/conformance/feed_store_suite.h"
#include "kith/conformance/search_index_suite.h"
#include "kith/conformance/session_registry_suite.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"

namespace kith::server {
namespace {

using namespace conformance;

using LogDisk = std::shared_ptr<CommandLogMemory::Disk>;

struct BrokenLog : CommandLogMemory {
  BrokenLog(LogDisk disk, Scheduler& scheduler)
      : CommandLogMemory(disk, scheduler), kept(std::move(disk)) {}
  LogEntry keep(const LogRecord& record) {
    kept->entries.push_back({++kept->last, record});
    return kept->entries.back();
  }
  LogDisk kept;
};

struct AnswersInsideAppend : BrokenLog {
  using BrokenLog::BrokenLog;
  void append(LogRecord record, Committed committed) override { committed(keep(record)); }
};
struct ForgetsAField : BrokenLog {
  using BrokenLog::BrokenLog;
  void append(LogRecord record, Committed committed) override {
    record.receipts_off = false;
    CommandLogMemory::append(std::move(record), std::move(committed));
  }
};
struct AnswersOnAnotherThread : BrokenLog {
  using BrokenLog::BrokenLog;
  void append(LogRecord record, Committed committed) override {
    auto told = std::make_shared<Committed>(std::move(committed));
    CommandLogMemory::append(std::move(record), [told](Result<LogEntry>&& entry) {
      std::thread([&] { (*told)(std::move(entry)); }).join();
    });
  }
};
struct AnswersTwice : BrokenLog {
  using BrokenLog::BrokenLog;
  void append(LogRecord record, Committed committed) override {
    auto told = std::make_shared<Committed>(std::move(committed));
    CommandLogMemory::append(std::move(record), [told](const Result<LogEntry>& entry) {
      for (int i = 0; i < 2; ++i) (*told)(Result<LogEntry>(entry));
    });
  }
};
struct CancelsAtItsEnd : BrokenLog {
  using BrokenLog::BrokenLog;
  ~CancelsAtItsEnd() override {
    for (const auto& waits : waiting) {
      if (*waits) (*waits)(make_error(ErrorCode::kCancelled, "closed"));
    }
  }
  void append(LogRecord record, Committed committed) override {
    waiting.push_back(std::make_shared<Committed>(std::move(committed)));
    CommandLogMemory::append(std::move(record), [waits = waiting.back()](Result<LogEntry>&& entry) {
      std::exchange(*waits, nullptr)(std::move(entry));
    });
  }
  std::vector<std::shared_ptr<Committed>> waiting;
};
struct LetsSmallOnesOvertake : BrokenLog {
  using BrokenLog::BrokenLog;
  void append(LogRecord record, Committed committed) override {
    auto told = std::make_shared<Committed>(std::move(committed));
    auto again = std::make_shared<LogRecord>(record);
    CommandLogMemory::append(std::move(record), [this, told, again](Result<LogEntry>&& entry) {
      const bool small = std::get<SendOp>(again->op).body.size() <= 1;
      (*told)(entry || !small ? std::move(entry) : Result<LogEntry>(keep(*again)));
    });
  }
};
struct CountsWhatIsLeft : BrokenLog {
  using BrokenLog::BrokenLog;
  Position last() const override { return kept->entries.size(); }
};

template <class Log>
struct Logs {
  DrainedScheduler loop;
  LogDisk disk = std::make_shared<CommandLogMemory::Disk>();
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<CommandLog> open() { return std::make_unique<Log>(disk, loop); }
  std::unique_ptr<CommandLog> open_nearly_full() {
    disk->commit_fault = [this]() -> std::optional<Error> {
      if (disk->last < 5) return std::nullopt;
      return make_error(ErrorCode::kDiskFull, "full");
    };
    return open();
  }
};

// Each of them does the work, but calls back too early.
struct AppliesInsideTheCall : ConversationStoreMemory {
  using ConversationStoreMemory::ConversationStoreMemory;
  void apply(std::shared_ptr<const StoreBatch> batch, Done<void> done) override {
    ConversationStoreMemory::apply(std::move(batch), [](const Status&) {});
    done(Status());
  }
};
struct LetsVersionsFall : FeedStoreMemory {
  LetsVersionsFall(const std::shared_ptr<Disk>& disk, Scheduler& scheduler)
      : FeedStoreMemory(disk, scheduler), kept(disk) {}
  void apply(std::shared_ptr<const FeedBatch> batch, Done<void> done) override {
    for (const FeedRow& row : batch->entries) kept->entries[row.user].erase(row.conversation);
    FeedStoreMemory::apply(std::move(batch), std::move(done));
  }
  std::shared_ptr<Disk> kept;
};
struct BeginsAnewEachTime : FeedStoreMemory {
  using FeedStoreMemory::FeedStoreMemory;
  Result<std::uint64_t> begin() override { return ++begun; }
  std::uint64_t begun = 0;
};
struct LoadsAfterItsEnd : DirectoryMemory {
  LoadsAfterItsEnd(std::shared_ptr<Disk> disk, Scheduler& scheduler)
      : DirectoryMemory(std::move(disk), scheduler), loop(scheduler) {}
  void load(const UserId& /*id*/, Done<std::optional<UserRecord>> done) override {
    loop.post([done = std::move(done)] { done(std::optional<UserRecord>()); });
  }
  Scheduler& loop;
};
struct TellsTheTimeLate : SearchIndexMemory {
  using SearchIndexMemory::SearchIndexMemory;
  void find(const IndexQuery& query, Done<std::vector<IndexHit>> done) override {
    IndexQuery silent = query;
    silent.spent = nullptr;
    SearchIndexMemory::find(silent, [spent = query.spent, done = std::move(done)](auto hits) {
      done(std::move(hits));
      if (spent) spent(std::chrono::microseconds(0));
    });
  }
};
struct BrokenRegistry : SessionRegistryMemory {
  explicit BrokenRegistry(Scheduler& scheduler)
      : SessionRegistryMemory(scheduler), loop(scheduler) {}
  virtual void lose() { lose_all(); }
  Scheduler& loop;
};
struct AnswersTheLastFirst : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void lookup(const UserId& user, Done<std::vector<SessionRef>> done) override {
    SessionRegistryMemory::lookup(user, [&](Result<std::vector<SessionRef>> found) {
      waiting.emplace_back(std::move(found), std::move(done));
    });
    loop.post([this] {
      auto [found, told] = std::move(waiting.back());
      waiting.pop_back();
      told(std::move(found));
    });
  }
  std::vector<std::pair<Result<std::vector<SessionRef>>, Done<std::vector<SessionRef>>>> waiting;
};
struct AnswersBeforeItAdds : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void add(const UserId& user, const SessionRef& session, Done<void> done) override {
    done({});
    loop.post([this, user, session] {
      SessionRegistryMemory::add(user, session, [](const Result<void>&) {});
    });
  }
};
struct AddsBehindTheRemoval : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void add(const UserId& user, const SessionRef& session, Done<void> done) override {
    loop.post([this, user, session, done = std::move(done)] {
      SessionRegistryMemory::add(user, session, done);
    });
  }
};
struct AnswersAddTwice : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void add(const UserId& user, const SessionRef& session, Done<void> done) override {
    SessionRegistryMemory::add(user, session, done);
    loop.post([done = std::move(done)] { done({}); });
  }
};
struct AddsAfterItsEnd : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void add(const UserId& /*user*/, const SessionRef& /*session*/, Done<void> done) override {
    loop.post([done = std::move(done)] { done({}); });
  }
};
struct ForgetsInSilence : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void lose() override { forget_all(); }
};
struct BelievesItself : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  bool complete() const override { return true; }
};
struct DoubtsForEver : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  bool complete() const override { return false; }
};
struct TellsEndedGateways : BrokenRegistry {
  using BrokenRegistry::BrokenRegistry;
  void add_gateway(const std::string& gateway, std::function<void()> lost) override {
    ever.push_back(lost);
    SessionRegistryMemory::add_gateway(gateway, std::move(lost));
  }
  void lose() override {
    forget_all();
    for (const auto& lost : ever) lost();
  }
  std::vector<std::function<void()>> ever;
};

struct BrokenBus : Bus {
  explicit BrokenBus(Scheduler& scheduler) : loop(scheduler) {}
  void subscribe(const std::string& /*gateway*/, std::function<void(const Delivery&)> to,
                 std::function<void()> loss) override {
    handler = std::move(to);
    lost = std::move(loss);
  }
  void unsubscribe(const std::string& /*gateway*/) override { handler = nullptr; }
  virtual void lose() {
    if (handler) lost();
  }
  Scheduler& loop;
  std::function<void(const Delivery&)> handler;
  std::function<void()> lost;
};
struct LosesInSilence : BrokenBus {
  using BrokenBus::BrokenBus;
  void publish(const std::string& /*gateway*/, const Delivery& delivery) override {
    waiting.push_back(delivery);
    if (waiting.size() > 1'000) waiting.pop_front();
    loop.post([this] {
      for (const Delivery& each : std::exchange(waiting, {})) handler(each);
    });
  }
  std::deque<Delivery> waiting;
};
struct DropsTheNewest : LosesInSilence {
  using LosesInSilence::LosesInSilence;
  void publish(const std::string& gateway, const Delivery& delivery) override {
    if (waiting.size() == 1'000) return lose();
    LosesInSilence::publish(gateway, delivery);
  }
};
struct SaysNoLoss : BrokenBus {
  using BrokenBus::BrokenBus;
  void publish(const std::string& /*gateway*/, const Delivery& delivery) override {
    handler(delivery);
  }
  void lose() override {}
};
struct CriesWolf : SaysNoLoss {
  using SaysNoLoss::SaysNoLoss;
  void publish(const std::string& gateway, const Delivery& delivery) override {
    lost();
    SaysNoLoss::publish(gateway, delivery);
  }
};
struct TellsThoseWhoLeft : SaysNoLoss {
  using SaysNoLoss::SaysNoLoss;
  void lose() override { lost(); }
};
struct KeepsNoCopy : BrokenBus {
  using BrokenBus::BrokenBus;
  void publish(const std::string& /*gateway*/, const Delivery& delivery) override {
    loop.post([this, &delivery] { handler(delivery); });
  }
};
struct DeliversTwice : BrokenBus {
  using BrokenBus::BrokenBus;
  void publish(const std::string& /*gateway*/, const Delivery& delivery) override {
    for (int i = 0; i < 2; ++i) handler(delivery);
  }
};
struct DeliversAfterItsEnd : BrokenBus {
  using BrokenBus::BrokenBus;
  void publish(const std::string& /*gateway*/, const Delivery& delivery) override {
    loop.post([to = handler, delivery] { to(delivery); });
  }
};

template <class Port, class Adapter>
struct OnTheLoop {
  DrainedScheduler loop{std::chrono::milliseconds(100)};  // they have no threads
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<Port> open() { return std::make_unique<Adapter>(loop); }
  static void lose(Port& bus, const std::string& /*gateway*/) {
    dynamic_cast<Adapter&>(bus).lose();
  }
  static void lose_all(Port& registry) { dynamic_cast<Adapter&>(registry).lose(); }
};
template <class Port, class Adapter>
struct OnADisk {
  DrainedScheduler loop;
  std::shared_ptr<typename Adapter::Disk> disk = std::make_shared<typename Adapter::Disk>();
  DrainedScheduler& scheduler() { return loop; }
  std::unique_ptr<Port> open() { return std::make_unique<Adapter>(disk, loop); }
  std::unique_ptr<Port> open_nearly_full() { return nullptr; }
};

INSTANTIATE_TYPED_TEST_SUITE_P(AnswersInsideAppend, CommandLogSuite, Logs<AnswersInsideAppend>);
INSTANTIATE_TYPED_TEST_SUITE_P(ForgetsAField, CommandLogSuite, Logs<ForgetsAField>);
INSTANTIATE_TYPED_TEST_SUITE_P(AnswersOnAnotherThread, CommandLogSuite,
                               Logs<AnswersOnAnotherThread>);
INSTANTIATE_TYPED_TEST_SUITE_P(AnswersTwice, CommandLogSuite, Logs<AnswersTwice>);
INSTANTIATE_TYPED_TEST_SUITE_P(CancelsAtItsEnd, CommandLogSuite, Logs<CancelsAtItsEnd>);
INSTANTIATE_TYPED_TEST_SUITE_P(LetsSmallOnesOvertake, CommandLogSuite, Logs<LetsSmallOnesOvertake>);
INSTANTIATE_TYPED_TEST_SUITE_P(CountsWhatIsLeft, CommandLogSuite, Logs<CountsWhatIsLeft>);

using EarlyStore = OnADisk<ConversationStore, AppliesInsideTheCall>;
using FallingFeeds = OnADisk<FeedStore, LetsVersionsFall>;
using ForgetfulFeeds = OnADisk<FeedStore, BeginsAnewEachTime>;
using LateDirectory = OnADisk<Directory, LoadsAfterItsEnd>;
using LateIndex = OnADisk<SearchIndex, TellsTheTimeLate>;
template <class Adapter>
using Registries = OnTheLoop<SessionRegistry, Adapter>;
template <class Adapter>
using Buses = OnTheLoop<Bus, Adapter>;
INSTANTIATE_TYPED_TEST_SUITE_P(AppliesInsideTheCall, ConversationStoreSuite, EarlyStore);
INSTANTIATE_TYPED_TEST_SUITE_P(LetsVersionsFall, FeedStoreSuite, FallingFeeds);
INSTANTIATE_TYPED_TEST_SUITE_P(BeginsAnewEachTime, FeedStoreSuite, ForgetfulFeeds);
INSTANTIATE_TYPED_TEST_SUITE_P(LoadsAfterItsEnd, DirectorySuite, LateDirectory);
INSTANTIATE_TYPED_TEST_SUITE_P(TellsTheTimeLate, SearchIndexSuite, LateIndex);
INSTANTIATE_TYPED_TEST_SUITE_P(AnswersTheLastFirst, SessionRegistrySuite,
                               Registries<AnswersTheLastFirst>);
INSTANTIATE_TYPED_TEST_SUITE_P(KeepsNoCopy, BusSuite, Buses<KeepsNoCopy>);
INSTANTIATE_TYPED_TEST_SUITE_P(DeliversTwice, BusSuite, Buses<DeliversTwice>);
INSTANTIATE_TYPED_TEST_SUITE_P(DeliversAfterItsEnd, BusSuite, Buses<DeliversAfterItsEnd>);
INSTANTIATE_TYPED_TEST_SUITE_P(AnswersBeforeItAdds, SessionRegistrySuite,
                               Registries<AnswersBeforeItAdds>);
INSTANTIATE_TYPED_TEST_SUITE_P(AddsBehindTheRemoval, SessionRegistrySuite,
                               Registries<AddsBehindTheRemoval>);
INSTANTIATE_TYPED_TEST_SUITE_P(AnswersAddTwice, SessionRegistrySuite, Registries<AnswersAddTwice>);
INSTANTIATE_TYPED_TEST_SUITE_P(AddsAfterItsEnd, SessionRegistrySuite, Registries<AddsAfterItsEnd>);
INSTANTIATE_TYPED_TEST_SUITE_P(ForgetsInSilence, SessionRegistrySuite,
                               Registries<ForgetsInSilence>);
INSTANTIATE_TYPED_TEST_SUITE_P(BelievesItself, SessionRegistrySuite, Registries<BelievesItself>);
INSTANTIATE_TYPED_TEST_SUITE_P(DoubtsForEver, SessionRegistrySuite, Registries<DoubtsForEver>);
INSTANTIATE_TYPED_TEST_SUITE_P(TellsEndedGateways, SessionRegistrySuite,
                               Registries<TellsEndedGateways>);
INSTANTIATE_TYPED_TEST_SUITE_P(LosesInSilence, BusSuite, Buses<LosesInSilence>);
INSTANTIATE_TYPED_TEST_SUITE_P(DropsTheNewest, BusSuite, Buses<DropsTheNewest>);
INSTANTIATE_TYPED_TEST_SUITE_P(SaysNoLoss, BusSuite, Buses<SaysNoLoss>);
INSTANTIATE_TYPED_TEST_SUITE_P(CriesWolf, BusSuite, Buses<CriesWolf>);
INSTANTIATE_TYPED_TEST_SUITE_P(TellsThoseWhoLeft, BusSuite, Buses<TellsThoseWhoLeft>);

}  // namespace
}  // namespace kith::server
