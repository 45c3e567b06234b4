// The embedded adapters of all ports, opened together: the files of one directory, or memory
// only.
#include "server/adapters/embedded/embedded.h"

#include <utility>

#include "server/adapters/embedded/bus_memory.h"
#include "server/adapters/embedded/command_log_file.h"
#include "server/adapters/embedded/command_log_memory.h"
#include "server/adapters/embedded/conversation_store_memory.h"
#include "server/adapters/embedded/conversation_store_sqlite.h"
#include "server/adapters/embedded/database_sqlite.h"
#include "server/adapters/embedded/directory_memory.h"
#include "server/adapters/embedded/directory_sqlite.h"
#include "server/adapters/embedded/journal_import_sqlite.h"
#include "server/adapters/embedded/search_index_memory.h"
#include "server/adapters/embedded/search_index_sqlite.h"
#include "server/adapters/embedded/session_registry_memory.h"

namespace kith::server {

namespace {

class Stores : public EmbeddedStores {
 public:
  Stores(std::unique_ptr<DirectoryLock> lock, std::unique_ptr<CommandLog> log,
         std::unique_ptr<ConversationStore> store, std::unique_ptr<Directory> directory,
         Result<std::unique_ptr<SearchIndex>> search)
      : lock_(std::move(lock)),
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
  const LatencyHistogram* commits() const override {
    const auto* file = dynamic_cast<const CommandLogFile*>(log_.get());
    return file == nullptr ? nullptr : &file->commits();
  }

 private:
  std::unique_ptr<DirectoryLock> lock_;  // given back last
  SessionRegistryMemory registry_;
  BusMemory bus_;
  std::unique_ptr<CommandLog> log_;
  std::unique_ptr<ConversationStore> store_;
  std::unique_ptr<Directory> directory_;
  Status search_status_;
  std::unique_ptr<SearchIndex> search_;
};

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
  return std::unique_ptr<EmbeddedStores>(
      std::make_unique<Stores>(std::move(*lock), std::move(*log), std::move(*store),
                               std::move(*directory), std::move(index)));
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
          std::make_shared<SearchIndexMemory::Disk>(), scheduler)));
}

}  // namespace kith::server
