// All ports of one server, opened together.
#include "server/adapters/embedded/embedded.h"

#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "server/adapters/embedded/backup_sqlite.h"
#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_file.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/adapters/embedded/database_sqlite.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/durable_file.h"
#include "server/adapters/embedded/engine_list.h"
#include "server/adapters/embedded/journal_import_sqlite.h"
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
  std::unique_ptr<ConversationStore> store;
  std::unique_ptr<CommandLog> log;
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

  CommandLog& log() override { return *parts_.log; }
  ConversationStore& store() override { return *parts_.store; }
  Directory& directory() override { return *parts_.directory; }
  SessionRegistry& registry() override { return *parts_.registry; }
  Bus& bus() override { return *parts_.bus; }
  SearchIndex* search() override { return parts_.search.get(); }
  Status search_status() const override { return parts_.search_status; }
  const RunHistory* runs() const override { return runs_ ? &*runs_ : nullptr; }
  Status backup(const std::string& to, const std::atomic<bool>& cancelled) override;
  const LatencyHistogram* commits() const override {
    const auto* file = dynamic_cast<const CommandLogFile*>(parts_.log.get());
    return file == nullptr ? nullptr : &file->commits();
  }

 private:
  const std::string dir_;
  const std::string engines_;
  const std::optional<RunHistory> runs_;
  Parts parts_;
};

// The store first and the journal behind it: then the journal of the copy reaches at least as far as its store. People
// last: whoever is named by a record is there.
Status Stores::backup(const std::string& to, const std::atomic<bool>& cancelled) {
  if (!engines_.empty()) {
    return make_error(ErrorCode::kUnimplemented,
                      "engines of its own keep: " + engines_ + "; they make their own backups");
  }
  auto* journal = dynamic_cast<CommandLogFile*>(parts_.log.get());
  if (dir_.empty() || journal == nullptr) {
    return make_error(ErrorCode::kUnimplemented, "nothing of this server is on a disk");
  }
  auto target = BackupDirectory::make(to);
  if (!target) return target.error();
  const std::string& copy = target->path();
  Status done = copy_database(dir_ + "/store.db", copy + "/store.db", cancelled);
  if (done) done = journal->copy_to(copy + "/journal");
  if (done) done = copy_database(dir_ + "/users.db", copy + "/users.db", cancelled);
  if (done) done = write_copied_runs(*runs_, copy);
  if (done) done = copy_secret(dir_, copy);
  return done ? target->finish() : done;
}

// The last record of the journal says until when the history before this run was written.
Result<RunHistory> next_run(const std::string& dir, CommandLog& log) {
  std::int64_t last_ms = 0;
  if (log.last() > 0) {
    const auto newest = log.read(log.last() - 1, 1);
    if (newest && !newest->empty()) last_ms = newest->back().record.gateway_ts_ms;
  }
  return begin_run(dir, log.last(), last_ms, system_random());
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
  Opening(const std::string& dir, const ServerPorts& given, Executor& executor, Executor& soon)
      : dir_(dir), given_(given), executor_(executor), soon_(soon) {}

  // `loop` is for memory and for what is given; null: there is neither.
  Result<std::unique_ptr<EmbeddedStores>> open(Scheduler* loop, bool search) {
    const std::string engines = engines_of(given_);
    loop_ = loop;
    if (Status locked = lock(engines); !locked) return locked.error();
    if (Status opened = open_lasting(); !opened) return opened.error();
    if (search) open_search();
    if (Status opened = open_passing(); !opened) return opened.error();
    std::optional<RunHistory> runs;
    if (!dir_.empty()) {
      if (Status kept = keep_engines(dir_, engines); !kept) return kept.error();
      auto next = next_run(dir_, *parts_.log);
      if (!next) return next.error();
      runs = std::move(*next);
    } else if (engines.empty()) {
      runs = RunHistory({new_run()});
    }
    return std::unique_ptr<EmbeddedStores>(
        std::make_unique<Stores>(dir_, engines, std::move(parts_), std::move(runs)));
  }

 private:
  Status lock(const std::string& engines) {
    if (dir_.empty()) return {};
    auto taken = DirectoryLock::take(dir_);
    if (!taken) return taken.error();
    parts_.lock = std::move(*taken);
    return check_engines(dir_, engines);
  }

  template <class Port>
  Status given(const char* name, const OpenPort<Port>& open, std::unique_ptr<Port>& part) {
    auto opened = open(*loop_);
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

  Status open_store() {
    if (given_.store) return given("store", given_.store, parts_.store);
    if (!dir_.empty()) {
      return take(ConversationStoreSqlite::open(dir_ + "/store.db", executor_), parts_.store);
    }
    using Memory = ConversationStoreMemory;
    parts_.store = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    return {};
  }
  Status open_log() {
    if (given_.log) return given("log", given_.log, parts_.log);
    if (!dir_.empty()) return take(open_journal(dir_, soon_), parts_.log);
    using Memory = CommandLogMemory;
    parts_.log = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    return {};
  }
  Status open_directory() {
    if (given_.directory) return given("directory", given_.directory, parts_.directory);
    if (!dir_.empty()) {
      return take(DirectorySqlite::open(dir_ + "/users.db", executor_), parts_.directory);
    }
    using Memory = DirectoryMemory;
    parts_.directory = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    return {};
  }
  // The log behind the store, whose version keeps an earlier release away from now on.
  Status open_lasting() {
    Status opened = open_store();
    if (opened) opened = open_log();
    return opened ? open_directory() : opened;
  }

  void open_search() {
    if (given_.search) {
      parts_.search_status = given("search", given_.search, parts_.search);
    } else if (!dir_.empty()) {
      parts_.search_status =
          take(SearchIndexSqlite::open(dir_ + "/search.db", executor_), parts_.search);
    } else {
      using Memory = SearchIndexMemory;
      parts_.search = std::make_unique<Memory>(std::make_shared<Memory::Disk>(), *loop_);
    }
  }

  Status open_passing() {
    parts_.registry = std::make_unique<SessionRegistryMemory>();
    parts_.bus = std::make_unique<BusMemory>();
    if (given_.registry) {
      if (Status opened = given("registry", given_.registry, parts_.registry); !opened) {
        return opened;
      }
    }
    return given_.bus ? given("bus", given_.bus, parts_.bus) : Status();
  }

  const std::string& dir_;
  const ServerPorts& given_;
  Executor& executor_;
  Executor& soon_;
  Scheduler* loop_ = nullptr;
  Parts parts_;
};

}  // namespace

Status check_ports(const std::string& dir, const ServerPorts& given) {
  const int lasting = (given.store ? 1 : 0) + (given.log ? 1 : 0) + (given.directory ? 1 : 0);
  if (!dir.empty() || lasting == 0 || lasting == 3) return {};
  return make_error(ErrorCode::kInvalidArgument,
                    "data_dir is missing: without one, store, log and directory are given together "
                    "or not at all");
}

Result<std::unique_ptr<EmbeddedStores>> open_ports(const std::string& dir, const ServerPorts& given,
                                                   Scheduler& loop, Executor& soon, bool search) {
  return Opening(dir, given, loop, soon).open(&loop, search);
}

Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor) {
  return Opening(dir, ServerPorts(), executor, executor).open(nullptr, true);
}

}  // namespace kith::server
