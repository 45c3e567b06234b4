// All ports of one server, opened together: the embedded adapters on the files of one directory, or in
// memory, and in their place what was given.
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
#include "kith/server/ports/server_ports.h"
#include "kith/server/ports/session_registry.h"
#include "server/records/run_history.h"
#include "src/latency_histogram.h"

namespace kith::server {

// Destroying it finishes what has been handed over, joins the adapters' threads and closes the
// files. No callback comes afterwards. Destroy it on the executor, or when the executor does not run any
// more.
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
  // Null without a directory on engines that last: then every device's history counts as theirs.
  [[nodiscard]] virtual const RunHistory* runs() const = 0;
  // A copy of everything but the search index, on any thread, while all goes on; the log must not be trimmed meanwhile.
  // Every record that was committed before the call is in it. Fails as BackupDirectory and copy_database() do;
  // kUnimplemented in memory, and where an engine of its own has a part of it.
  virtual Status backup(const std::string& to, const std::atomic<bool>& cancelled) = 0;
  // How long each commit of the embedded log took; null: it has no disk, or another one is used.
  [[nodiscard]] virtual const LatencyHistogram* commits() const = 0;
};

// ok: what is given is enough. kInvalidArgument: without a directory (`dir` empty) what lasts is given
// wholly or not at all.
Status check_ports(const std::string& dir, const ServerPorts& given);

// Opens what is not given: the journal, store.db, users.db and, with `search`, search.db in `dir`, which
// is created if missing; what an earlier release had in journal.db is taken over. An empty `dir` stands
// for memory. Opens what is given, with `loop`. The list of runs is in `dir` too.
//
// `loop` runs all callbacks and must outlive the stores. `soon` runs those of the embedded command log,
// which clients wait for (LoopUv::soon()); same thread. Fails with kAlreadyOpen (another process has the
// directory), kCacheTooNew (a later release wrote it), kCacheCorrupt (a file is damaged; it is left as
// it is), kInvalidArgument (check_engines()), kDiskFull, kIo, and with what given ports fail with.
Result<std::unique_ptr<EmbeddedStores>> open_ports(const std::string& dir, const ServerPorts& given,
                                                   Scheduler& loop, Executor& soon, bool search);
// The same with embedded adapters alone.
Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor);

}  // namespace kith::server
