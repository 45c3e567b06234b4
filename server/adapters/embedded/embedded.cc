// All ports of one server, opened together.
#include "server/adapters/embedded/embedded.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "kith/core/time.h"
#include "server/adapters/embedded/backup_sqlite.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_file.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/adapters/embedded/directory_lock.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/durable_file.h"
#include "server/adapters/embedded/engine_list.h"
#include "server/adapters/embedded/feed_store_memory.h"
#include "server/adapters/embedded/feed_store_sqlite.h"
#include "server/adapters/embedded/journal_import_sqlite.h"
#include "server/adapters/embedded/log_folder.h"
#include "server/adapters/embedded/partition_count.h"
#include "server/adapters/embedded/run_list.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/adapters/embedded/search_index_sqlite.h"
#include "server/adapters/embedded/session_registry_memory.h"

namespace kith::server {

namespace {

// A host may keep its secret elsewhere: then there is no such file.
Status copy_secret(const std::string& from, const std::string& to) {
  std::ifstream file(from + "/secret", std::ios::binary);
  if (!file) return {};
  const std::string secret{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return write_durable_file(to, "secret", secret);
}

// In the order of their opening; ended in reverse.
struct Parts {
  std::unique_ptr<DirectoryLock> lock;
  std::vector<std::unique_ptr<ConversationStore>> stores;  // by partition, as the logs
  std::vector<std::unique_ptr<CommandLog>> logs;
  std::unique_ptr<FeedStore> feed;
  std::unique_ptr<Directory> directory;
  Status search_status;
  std::unique_ptr<SearchIndex> search;
  std::unique_ptr<SessionRegistry> registry;
  std::unique_ptr<Bus> bus;
};

class Stores : public EmbeddedStores {
 public:
  // `dir` empty: in memory. `engines`: engines_of() what was given.
  Stores(std::string dir, std::string engines, Parts parts, std::optional<RunHistory> runs)
      : dir_(std::move(dir)),
        engines_(std::move(engines)),
        runs_(std::move(runs)),
        parts_(std::move(parts)) {}

  std::uint32_t partitions() const override {
    return static_cast<std::uint32_t>(parts_.logs.size());
  }
  CommandLog& log(std::uint32_t partition) override { return *parts_.logs.at(partition); }
  ConversationStore& store(std::uint32_t partition) override {
    return *parts_.stores.at(partition);
  }
  FeedStore& feed() override { return *parts_.feed; }
  Directory& directory() override { return *parts_.directory; }
  SessionRegistry& registry() override { return *parts_.registry; }
  Bus& bus() override { return *parts_.bus; }
  SearchIndex* search() override { return parts_.search.get(); }
  Status search_status() const override { return parts_.search_status; }
  const RunHistory* runs() const override { return runs_ ? &*runs_ : nullptr; }
  Status backup(const std::string& to, const std::atomic<bool>& cancelled) override;
  const LatencyHistogram* commits(std::uint32_t partition) const override {
    const auto* file = dynamic_cast<const CommandLogFile*>(parts_.logs.at(partition).get());
    return file == nullptr ? nullptr : &file->commits();
  }

 private:
  Status copy_partitions(const std::string& copy, const std::atomic<bool>& cancelled);

  const std::string dir_;
  const std::string engines_;
  const std::optional<RunHistory> runs_;
  Parts parts_;
};

// The stores first and the journals behind them: then each journal of the copy reaches at least as far as its store.
Status Stores::copy_partitions(const std::string& copy, const std::atomic<bool>& cancelled) {
  if (Status kept = write_partitions(copy, partitions()); !kept) return kept;
  for (std::uint32_t i = 0; i < partitions(); ++i) {
    Status done = make_partition_path(copy, i);
    if (done) {
      done = copy_database(partition_path(dir_, i) + "/store.db",
                           partition_path(copy, i) + "/store.db", cancelled);
    }
    if (!done) return done;
  }
  for (std::uint32_t i = 0; i < partitions(); ++i) {
    auto* journal = dynamic_cast<CommandLogFile*>(parts_.logs[i].get());
    Status done = journal->copy_to(partition_path(copy, i) + "/journal");
    if (done && i > 0) done = sync_directory(partition_path(copy, i));
    if (!done) return done;
  }
  return {};
}

// The feeds behind the stores: what a store has is marked there. People last: everybody named by a record is there.
Status Stores::backup(const std::string& to, const std::atomic<bool>& cancelled) {
  if (!engines_.empty()) {
    return make_error(ErrorCode::kUnimplemented,
                      "engines of its own keep: " + engines_ + "; they make their own backups");
  }
  if (dir_.empty()) {
    return make_error(ErrorCode::kUnimplemented, "nothing of this server is on a disk");
  }
  // One journal says by its last record how far the copy goes, several do not.
  const std::int64_t whole_ms = partitions() == 1 ? 0 : system_clock().wall().ms;
  auto target = BackupDirectory::make(to);
  if (!target) return target.error();
  const std::string& copy = target->path();
  Status done = copy_partitions(copy, cancelled);
  if (done) done = copy_database(dir_ + "/feed.db", copy + "/feed.db", cancelled);
  if (done) done = copy_database(dir_ + "/users.db", copy + "/users.db", cancelled);
  if (done) done = write_copied_runs(*runs_, whole_ms, copy);
  if (done) done = copy_secret(dir_, copy);
  return done ? target->finish() : done;
}

// The last records of the journals say until when the history before this run was written.
Result<RunHistory> next_run(const std::string& dir,
                            const std::vector<std::unique_ptr<CommandLog>>& logs) {
  Position last = 0;
  std::int64_t last_ms = 0;
  for (const auto& log : logs) {
    last += log->last();  // as FeedVersions counts them
    if (log->last() == 0) continue;
    const auto newest = log->read(log->last() - 1, 1);
    if (newest && !newest->empty()) {
      last_ms = std::max(last_ms, newest->back().record.gateway_ts_ms);
    }
  }
  return begin_run(dir, last, last_ms, system_random());
}

Run new_run() {
  Run run;
  run.id.resize(16);
  system_random().fill(run.id.data(), run.id.size());
  return run;
}

// Opens one part after the other; the first that fails ends it.
class Opening {
 public:
  // `loop`: null, then everything is on `executor`, embedded and in a directory.
  Opening(const std::string& dir, const ServerPorts& given, Executor& executor, Scheduler* loop)
      : dir_(dir), given_(given), executor_(executor), loop_(loop) {}

  Result<std::unique_ptr<EmbeddedStores>> open(bool search, std::uint32_t partitions,
                                               const PartitionLoops& loops) {
    const std::string engines = engines_of(given_);
    if (Status locked = lock(engines, partitions); !locked) return locked.error();
    if (Status opened = open_lasting(partitions, loops); !opened) return opened.error();
    if (search) open_search();
    if (Status opened = open_passing(); !opened) return opened.error();
    std::optional<RunHistory> runs;
    if (!dir_.empty()) {
      if (Status kept = keep_engines(dir_, engines); !kept) return kept.error();
      auto next = next_run(dir_, parts_.logs);
      if (!next) return next.error();
      runs = std::move(*next);
    } else if (engines.empty()) {
      runs = RunHistory({new_run()});
    }
    return std::unique_ptr<EmbeddedStores>(
        std::make_unique<Stores>(dir_, engines, std::move(parts_), std::move(runs)));
  }

 private:
  Status lock(const std::string& engines, std::uint32_t partitions) {
    if (dir_.empty()) return {};
    auto taken = DirectoryLock::take(dir_);
    if (!taken) return taken.error();
    parts_.lock = std::move(*taken);
    const Status same = check_engines(dir_, engines);
    return same ? keep_partitions(dir_, partitions) : same;
  }

  template <class Port>
  static Status take_given(const char* name, Result<std::unique_ptr<Port>> opened,
                           std::unique_ptr<Port>& part) {
    if (!opened) return opened.error();
    if (*opened == nullptr) {
      return make_error(ErrorCode::kInvalidArgument, std::string(name) + ": nothing was opened");
    }
    part = std::move(*opened);
    return {};
  }
  template <class Port, class Adapter>
  static Status take(Result<std::unique_ptr<Adapter>> opened, std::unique_ptr<Port>& part) {
    if (!opened) return opened.error();
    part = std::move(*opened);
    return {};
  }

  Status open_store(std::uint32_t i, const PartitionLoops& loops,
                    std::unique_ptr<ConversationStore>& part) {
    if (given_.store) return take_given("store", given_.store(loops(i).loop, i), part);
    if (!dir_.empty()) {
      Executor& executor = loops ? static_cast<Executor&>(loops(i).loop) : executor_;
      return take(ConversationStoreSqlite::open(partition_path(dir_, i) + "/store.db", executor),
                  part);
    }
    using Memory = ConversationStoreMemory;
    part = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), loops(i).loop);
    return {};
  }
  Status open_log(std::uint32_t i, const PartitionLoops& loops, std::unique_ptr<CommandLog>& part) {
    if (given_.log) return take_given("log", given_.log(loops(i).loop, i), part);
    if (!dir_.empty()) {
      return take(open_journal(partition_path(dir_, i), loops ? loops(i).soon : executor_), part);
    }
    using Memory = CommandLogMemory;
    part = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), loops(i).loop);
    return {};
  }
  // Behind the store, which has made the tables of an earlier release those of today.
  Status open_feed() {
    if (given_.feed) return take_given("feed", given_.feed(*loop_), parts_.feed);
    if (!dir_.empty()) {
      const std::string store = given_.store ? "" : dir_ + "/store.db";
      return take(FeedStoreSqlite::open(dir_ + "/feed.db", store, executor_), parts_.feed);
    }
    using Memory = FeedStoreMemory;
    parts_.feed = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    return {};
  }
  Status open_directory() {
    if (given_.directory) {
      return take_given("directory", given_.directory(*loop_), parts_.directory);
    }
    if (!dir_.empty()) {
      return take(DirectorySqlite::open(dir_ + "/users.db", executor_), parts_.directory);
    }
    using Memory = DirectoryMemory;
    parts_.directory = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    return {};
  }
  // A log behind its store, whose version keeps an earlier release away from now on.
  Status open_lasting(std::uint32_t partitions, const PartitionLoops& loops) {
    const bool on_disk = !dir_.empty() && !(given_.store && given_.log);
    parts_.stores.resize(partitions);
    parts_.logs.resize(partitions);
    for (std::uint32_t i = 0; i < partitions; ++i) {
      Status opened = on_disk ? make_partition_path(dir_, i) : Status();
      if (opened) opened = open_store(i, loops, parts_.stores[i]);
      if (!opened) return opened;
    }
    for (std::uint32_t i = 0; i < partitions; ++i) {
      if (Status opened = open_log(i, loops, parts_.logs[i]); !opened) return opened;
    }
    const Status opened = open_feed();
    return opened ? open_directory() : opened;
  }

  void open_search() {
    if (given_.search) {
      parts_.search_status = take_given("search", given_.search(*loop_), parts_.search);
    } else if (!dir_.empty()) {
      parts_.search_status =
          take(SearchIndexSqlite::open(dir_ + "/search.db", executor_), parts_.search);
    } else {
      using Memory = SearchIndexMemory;
      parts_.search = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    }
  }

  Status open_passing() {
    if (loop_ == nullptr) return {};
    parts_.registry = std::make_unique<SessionRegistryMemory>(*loop_);
    parts_.bus = std::make_unique<BusMemory>();
    if (given_.registry) {
      const Status opened = take_given("registry", given_.registry(*loop_), parts_.registry);
      if (!opened) return opened;
    }
    return given_.bus ? take_given("bus", given_.bus(*loop_), parts_.bus) : Status();
  }

  const std::string& dir_;
  const ServerPorts& given_;
  Executor& executor_;
  Scheduler* const loop_;
  Parts parts_;
};

}  // namespace

Status check_ports(const std::string& dir, const ServerPorts& given) {
  const int lasting = (given.store ? 1 : 0) + (given.log ? 1 : 0) + (given.feed ? 1 : 0) +
                      (given.directory ? 1 : 0);
  if (!dir.empty() || lasting == 0 || lasting == 4) return {};
  return make_error(
      ErrorCode::kInvalidArgument,
      "data_dir is missing: without one, store, log, feed and directory are given together "
      "or not at all");
}

Result<std::unique_ptr<EmbeddedStores>> open_ports(const std::string& dir, const ServerPorts& given,
                                                   Scheduler& loop, bool search,
                                                   std::uint32_t partitions,
                                                   const PartitionLoops& loops) {
  return Opening(dir, given, loop, &loop).open(search, partitions, loops);
}

Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor,
                                                      std::uint32_t partitions) {
  return Opening(dir, ServerPorts(), executor, nullptr).open(true, partitions, nullptr);
}

}  // namespace kith::server
