// The server's memory adapters under watch: they report durable records and pushes, and break rules
// on purpose (rules.h).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "kith/server/options.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/adapters/embedded/session_registry_memory.h"
#include "server/users/home.h"
#include "tests/simulation/rules.h"
#include "tests/simulation/seeded_random.h"
#include "tests/simulation/server_disks.h"

namespace kith::sim {

class PortsWatch {
 public:
  virtual ~PortsWatch() = default;
  virtual void started(const server::Home& home, const server::ServerOptions& options) = 0;
  virtual void logged(std::uint32_t partition, const server::LogEntry& entry) = 0;
  virtual void applied(std::uint32_t partition, const server::StoreBatch& batch) = 0;
  virtual void user_changed(const UserId& user) = 0;
  virtual void user_removed(const UserId& user) = 0;
  virtual void published(const DeviceId& to, const std::string& frame) = 0;
  virtual void indexed(const server::IndexBatch& batch) = 0;
  // The gateway adds a session; the registry has it; it was removed; all were lost.
  virtual void session_enters(const server::SessionRef& session) = 0;
  virtual void session_entered(const server::SessionRef& session) = 0;
  virtual void session_left(const server::SessionRef& session) = 0;
  virtual void sessions_lost(const server::Home& home) = 0;
  virtual void bus_lost(const server::Home& home) = 0;
};

class WatchedLog : public server::CommandLog {
 public:
  using Disk = server::CommandLogMemory::Disk;
  // `after_change`: the directory has just answered a change; records that are appended meanwhile follow from it.
  WatchedLog(const ServerDisks& disks, std::uint32_t partition, Scheduler& scheduler,
             PortsWatch& watch, Rule broken, SeededRandom& random, const bool& after_change);
  ~WatchedLog() override;
  void append(server::LogRecord record, server::Committed committed) override;
  Result<std::vector<server::LogEntry>> read(server::Position after, std::size_t limit) override;
  server::Position last() const override { return inner_->last(); }
  std::size_t pending() const override { return inner_->pending(); }
  void trim(server::Position upto) override;

  // Entries stay for a replay.
  bool keeps_all = false;

 private:
  void catch_up();

  const ServerDisks& disks_;
  const std::uint32_t partition_;
  const std::shared_ptr<Disk> disk_;
  PortsWatch& watch_;
  Rule broken_;
  SeededRandom& random_;
  const bool& after_change_;
  server::Position seen_;
  std::unique_ptr<server::CommandLogMemory> inner_;
};

class WatchedStore : public server::ConversationStore {
 public:
  using Disk = server::ConversationStoreMemory::Disk;
  WatchedStore(const ServerDisks& disks, std::uint32_t partition, Scheduler& scheduler,
               PortsWatch& watch, Rule broken, SeededRandom& random);
  ~WatchedStore() override;
  Result<server::StoredUpTo> applied() override;
  void apply(std::shared_ptr<const server::StoreBatch> batch, Done<void> done) override;
  void load(const ConversationId& id, Done<std::optional<server::Conversation>> done) override;
  Result<std::vector<server::Conversation>> load_all(
      const std::vector<ConversationId>& ids) override;
  void find(const ConversationId& id, const UserId& sender, const MessageId& message,
            Done<std::optional<server::Placement>> done) override;
  void events(const server::EventQuery& query, Done<std::vector<server::Event>> done) override;
  void heads(const ConversationId& after, server::Position changed_after, std::size_t limit,
             Done<server::HeadsPage> done) override;

  // How many records the store forgets to have applied, though it has what came of them: a replay.
  server::Position replay = 0;
  std::uint64_t rows_read = 0;

 private:
  void catch_up();
  void spoil(server::StoreBatch& batch);
  void spoil(server::Conversation& loaded);

  const ServerDisks& disks_;
  const std::uint32_t partition_;
  const std::shared_ptr<Disk> disk_;
  PortsWatch& watch_;
  Rule broken_;
  SeededRandom& random_;
  std::deque<std::shared_ptr<const server::StoreBatch>> handed_over_;
  std::unique_ptr<server::ConversationStoreMemory> inner_;
};

class WatchedFeeds : public server::FeedStoreMemory {
 public:
  WatchedFeeds(const ServerDisks& disks, std::uint32_t home, Scheduler& scheduler, Rule broken)
      : FeedStoreMemory(disks.feeds(home), scheduler),
        disks_(disks),
        scheduler_(scheduler),
        broken_(broken) {}
  Result<std::uint64_t> begin() override;
  void apply(std::shared_ptr<const server::FeedBatch> batch, Done<void> done) override;
  void changed(const UserId& user, server::FeedVersion after, std::size_t limit,
               Done<std::vector<server::FeedEntry>> done) override;
  void list(const UserId& user, server::FeedVersion before, std::size_t limit,
            Done<std::vector<server::FeedEntry>> done) override;
  void user_state(const UserId& user, Done<server::FeedVersion> done) override;

  std::uint64_t rows_read = 0;

 private:
  const ServerDisks& disks_;
  Scheduler& scheduler_;
  Rule broken_;
};

class WatchedDirectory : public server::DirectoryMemory {
 public:
  WatchedDirectory(std::shared_ptr<Disk> disk, Scheduler& scheduler, PortsWatch& watch, Rule broken,
                   bool& after_change)
      : DirectoryMemory(std::move(disk), scheduler),
        watch_(watch),
        broken_(broken),
        after_change_(after_change) {}
  void admit(const server::NewUser& user, const server::DeviceRecord& device,
             Done<server::SignInRecord> done) override;
  void load(const UserId& id, Done<std::optional<server::UserRecord>> done) override;
  void consents(const std::vector<UserId>& ids, const UserId& asker,
                Done<std::vector<server::Consent>> done) override;
  void update(const UserId& id, const server::UserChange& change,
              Done<server::UserRecord> done) override;
  void profiles(const std::vector<UserId>& ids,
                Done<std::vector<server::UserRecord>> done) override;
  void remove(const UserId& id, Done<void> done) override;
  void leaving(std::size_t limit, Done<std::vector<UserId>> done) override;

  // Broken on purpose: answers of earlier loads are given again for users of other homes than this. Null: not.
  const server::Home* keeps_all_but = nullptr;

 private:
  std::map<UserId, server::UserRecord> kept_;
  void spoil(server::UserRecord& record) const;
  PortsWatch& watch_;
  Rule broken_;
  bool& after_change_;
  bool removed_ = false;  // somebody, by this process
};

class WatchedRegistry : public server::SessionRegistryMemory {
 public:
  WatchedRegistry(const server::Home& home, Scheduler& scheduler, PortsWatch& watch,
                  SeededRandom& random, Rule broken)
      : SessionRegistryMemory(scheduler),
        home_(home),
        scheduler_(scheduler),
        watch_(watch),
        random_(random),
        broken_(broken) {}
  void add(const UserId& user, const server::SessionRef& session, Done<void> done) override;
  void remove(const UserId& user, const server::SessionRef& session) override;
  // Loses all sessions, and says so within some seconds.
  void forget();

  std::map<std::uint64_t, DeviceId> devices;  // of all sessions that ever were
  std::int64_t add_delay_max = 0;
  double add_fails = 0;

 private:
  void have(const UserId& user, const server::SessionRef& session);

  const server::Home home_;
  Scheduler& scheduler_;
  PortsWatch& watch_;
  SeededRandom& random_;
  Rule broken_;
  std::set<std::uint64_t> removed_;
};

class WatchedIndex : public server::SearchIndexMemory {
 public:
  WatchedIndex(const ServerDisks& disks, Scheduler& scheduler, PortsWatch& watch, Rule broken)
      : SearchIndexMemory(disks.index, scheduler), disks_(disks), watch_(watch), broken_(broken) {}
  Result<server::Position> complete(std::uint32_t partition) override;
  void add(std::shared_ptr<const server::IndexBatch> batch, Done<void> done) override;
  void begin_anew(Done<void> done) override;

 private:
  const ServerDisks& disks_;
  PortsWatch& watch_;
  Rule broken_;
};

// Drops the deliveries that a fault names, and delivers the others in order after a delay.
class WatchedBus : public server::BusMemory {
 public:
  WatchedBus(const server::Home& home, Scheduler& scheduler, WatchedRegistry& registry,
             PortsWatch& watch, SeededRandom& random, const ServerDisks& disks, Rule broken)
      : home_(home),
        scheduler_(scheduler),
        registry_(registry),
        watch_(watch),
        random_(random),
        disks_(disks),
        broken_(broken) {}
  void publish(const std::string& gateway, const server::Delivery& delivery) override;

  double loss = 0;
  bool says_loss = false;  // within 5 s
  std::int64_t delay_max = 0;

 private:
  const server::Home home_;
  Scheduler& scheduler_;
  WatchedRegistry& registry_;
  PortsWatch& watch_;
  SeededRandom& random_;
  const ServerDisks& disks_;
  Rule broken_;
  std::int64_t last_due_ = 0;

  bool telling_loss_ = false;
  void lose(const std::string& gateway);
  [[nodiscard]] server::Delivery with_devices(const server::Delivery& delivery) const;
};

}  // namespace kith::sim
