// The embedded adapters of all ports, opened together: the files of one directory, or memory
// only.
#include "server/adapters/embedded/embedded.h"

#include <fstream>
#include <iterator>
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

class Stores : public EmbeddedStores {
 public:
  Stores(std::unique_ptr<DirectoryLock> lock, std::unique_ptr<CommandLog> log,
         std::unique_ptr<ConversationStore> store, std::unique_ptr<Directory> directory,
         Result<std::unique_ptr<SearchIndex>> search, RunHistory runs, std::string dir)
      : dir_(std::move(dir)),
        runs_(std::move(runs)),
        lock_(std::move(lock)),
        log_(std::move(log)),
        store_(std::move(store)),
        directory_(std::move(directory)),
        search_status_(search ? Status() : Status(search.error())),
        search_(search ? std::move(*search) : nullptr) {}

  CommandLog& log() override { return *log_; }
  ConversationStore& store() override { return *store_; }
  Directory& directory() override { return *directory_; }
  SessionRegistry& registry() override { return registry_; }
  Bus& bus() override { return bus_; }
  SearchIndex* search() override { return search_.get(); }
  Status search_status() const override { return search_status_; }
  const RunHistory& runs() const override { return runs_; }
  Status backup(const std::string& to, const std::atomic<bool>& cancelled) override;
  const LatencyHistogram* commits() const override {
    const auto* file = dynamic_cast<const CommandLogFile*>(log_.get());
    return file == nullptr ? nullptr : &file->commits();
  }

 private:
  const std::string dir_;  // empty: in memory
  const RunHistory runs_;
  std::unique_ptr<DirectoryLock> lock_;  // given back last
  SessionRegistryMemory registry_;
  BusMemory bus_;
  std::unique_ptr<CommandLog> log_;
  std::unique_ptr<ConversationStore> store_;
  std::unique_ptr<Directory> directory_;
  Status search_status_;
  std::unique_ptr<SearchIndex> search_;
};

// The store first and the journal behind it: then the journal of the copy reaches at least as far as its store. People
// last: whoever is named by a record is there.
Status Stores::backup(const std::string& to, const std::atomic<bool>& cancelled) {
  auto* journal = dynamic_cast<CommandLogFile*>(log_.get());
  if (dir_.empty() || journal == nullptr) {
    return make_error(ErrorCode::kUnimplemented, "nothing of this server is on a disk");
  }
  auto target = BackupDirectory::make(to);
  if (!target) return target.error();
  const std::string& copy = target->path();
  Status done = copy_database(dir_ + "/store.db", copy + "/store.db", cancelled);
  if (done) done = journal->copy_to(copy + "/journal");
  if (done) done = copy_database(dir_ + "/users.db", copy + "/users.db", cancelled);
  if (done) done = write_copied_runs(runs_, copy);
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

}  // namespace

Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor,
                                                      Executor& soon, bool search) {
  auto lock = DirectoryLock::take(dir);
  if (!lock) return lock.error();
  auto store = ConversationStoreSqlite::open(dir + "/store.db", executor);
  if (!store) return store.error();
  // Behind the store, whose version keeps an earlier release away from now on.
  auto log = open_journal(dir, soon);
  if (!log) return log.error();
  auto directory = DirectorySqlite::open(dir + "/users.db", executor);
  if (!directory) return directory.error();
  Result<std::unique_ptr<SearchIndex>> index = std::unique_ptr<SearchIndex>();
  if (search) {
    auto opened = SearchIndexSqlite::open(dir + "/search.db", executor);
    if (opened) {
      *index = std::move(*opened);
    } else {
      index = opened.error();
    }
  }
  auto runs = next_run(dir, **log);
  if (!runs) return runs.error();
  return std::unique_ptr<EmbeddedStores>(
      std::make_unique<Stores>(std::move(*lock), std::move(*log), std::move(*store),
                               std::move(*directory), std::move(index), std::move(*runs), dir));
}

Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor) {
  return open_embedded(dir, executor, executor);
}

std::unique_ptr<EmbeddedStores> make_memory_stores(Scheduler& scheduler) {
  return std::make_unique<Stores>(
      nullptr,
      std::make_unique<CommandLogMemory>(std::make_shared<CommandLogMemory::Disk>(), scheduler),
      std::make_unique<ConversationStoreMemory>(std::make_shared<ConversationStoreMemory::Disk>(),
                                                scheduler),
      std::make_unique<DirectoryMemory>(std::make_shared<DirectoryMemory::Disk>(), scheduler),
      std::unique_ptr<SearchIndex>(std::make_unique<SearchIndexMemory>(
          std::make_shared<SearchIndexMemory::Disk>(), scheduler)),
      RunHistory({new_run()}), "");
}

}  // namespace kith::server
