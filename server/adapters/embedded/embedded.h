// The embedded adapters of all ports, opened together: the files of one directory, or memory
// only.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "kith/core/executor.h"
#include "kith/core/result.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/directory.h"
#include "kith/server/ports/search_index.h"
#include "kith/server/ports/session_registry.h"
#include "src/latency_histogram.h"
#include "server/records/run_history.h"

namespace kith {
class Scheduler;
}

namespace kith::server {

// Destroying it finishes what has been handed over, joins the adapters' threads and closes the
// files. No callback comes
// afterwards. Destroy it on the executor, or when the executor does not run any more.
class EmbeddedStores {
 public:
  virtual ~EmbeddedStores() = default;
  virtual CommandLog& log() = 0;
  virtual ConversationStore& store() = 0;
  virtual Directory& directory() = 0;
  virtual SessionRegistry& registry() = 0;
  virtual Bus& bus() = 0;
  // Null if it was opened without, or cannot be used: search_status() says why. It is derived, and no
  // reason to refuse the rest.
  virtual SearchIndex* search() = 0;
  [[nodiscard]] virtual Status search_status() const = 0;
  [[nodiscard]] virtual const RunHistory& runs() const = 0;
  // A copy of everything but the search index, on any thread, while all goes on; the log must not be trimmed meanwhile.
  // Every record that was committed before the call is in it. Fails as BackupDirectory and copy_database() do;
  // kUnimplemented in memory.
  virtual Status backup(const std::string& to, const std::atomic<bool>& cancelled) = 0;
  // How long each commit of the log took; null: it has no disk.
  [[nodiscard]] virtual const LatencyHistogram* commits() const = 0;
};

// Opens the journal, the list of runs, store.db, users.db and, with `search`, search.db in `dir`, which is created if
// missing; what an earlier release had in journal.db is taken over. `executor` runs all callbacks and
// must outlive the stores. `soon` runs those of the command log, which clients wait for
// (LoopUv::soon()); same thread. Fails with kAlreadyOpen (another process has the directory), kCacheTooNew (a
// later release wrote it),
// kCacheCorrupt (a file is damaged; it is left as it is), kDiskFull, kIo.
Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor,
                                                      Executor& soon, bool search = true);
Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor);

// Everything is lost with the stores. `scheduler` must outlive them.
std::unique_ptr<EmbeddedStores> make_memory_stores(Scheduler& scheduler);

}  // namespace kith::server
