// All ports of one server, opened together: the embedded adapters on the files of one directory, or in
// memory, and in their place what was given.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kith/core/executor.h"
#include "kith/core/result.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/directory.h"
#include "kith/server/ports/feed_store.h"
#include "kith/server/ports/search_index.h"
#include "kith/server/ports/server_ports.h"
#include "kith/server/ports/session_registry.h"
#include "server/records/run_history.h"
#include "src/latency_histogram.h"

namespace kith::server {

// Destroying it finishes what has been handed over, joins the adapters' threads and closes the
// files. No callback comes afterwards.
//
// Threads: of each partition's log and store every call, and every callback, is of the loop that owns the
// partition; of all others, of the first loop. The adapters keep what their callbacks look at on that
// loop, without locks. So the stores are destroyed on the first loop, or when it does not run any more,
// and only after the loops of the partitions have ended (LoopUv::stop()): none of them may run a callback
// meanwhile. Opening needs no such care: nothing calls back before the first call.
class EmbeddedStores {
 public:
  virtual ~EmbeddedStores() = default;
  [[nodiscard]] virtual std::uint32_t partitions() const = 0;
  // `partition`: from 0.
  virtual CommandLog& log(std::uint32_t partition) = 0;
  virtual ConversationStore& store(std::uint32_t partition) = 0;
  virtual FeedStore& feed() = 0;
  virtual Directory& directory() = 0;
  virtual SessionRegistry& registry() = 0;
  virtual Bus& bus() = 0;
  // Null if it was opened without, or cannot be used: search_status() says why. It is derived, and no
  // reason to refuse the rest.
  virtual SearchIndex* search() = 0;
  [[nodiscard]] virtual Status search_status() const = 0;
  // Null without a directory on engines that last: then every device's history counts as theirs.
  [[nodiscard]] virtual const RunHistory* runs() const = 0;
  // A copy of everything but the search index, on any thread, while all goes on; no log must be trimmed meanwhile.
  // Every record that was committed before the call is in it. Fails as BackupDirectory and copy_database() do;
  // kUnimplemented in memory, and where an engine of its own has a part of it.
  virtual Status backup(const std::string& to, const std::atomic<bool>& cancelled) = 0;
  // How long each commit of an embedded log took. Threads: any. Null: it has no disk, or another one is used.
  [[nodiscard]] virtual const LatencyHistogram* commits(std::uint32_t partition) const = 0;
};

// The loop that owns a partition, and the executor of what clients wait for (LoopUv::soon()); same
// thread.
struct PartitionLoop {
  Scheduler& loop;
  Executor& soon;
};
using PartitionLoops = std::function<PartitionLoop(std::uint32_t partition)>;

// ok: what is given is enough. kInvalidArgument: without a directory (`dir` empty) what lasts is given
// wholly or not at all.
Status check_ports(const std::string& dir, const ServerPorts& given);

// Opens what is not given: feed.db, users.db, with `search` search.db, and for each of the `partitions` of
// conversations a journal and a store.db, those of the first in `dir` and those of the others in
// `dir`/partitions. `dir` is created if missing; what an earlier release had in journal.db is taken over.
// An empty `dir` stands for memory. Opens what is given. The list of runs is in `dir` too.
//
// `loop` runs all callbacks but those of a partition's log and store, which `loops` tells the place of,
// and must outlive the stores, as those must. On the thread of `loop`. Fails with kAlreadyOpen (another
// process has the directory), kCacheTooNew (a later release wrote it), kCacheCorrupt (a file is damaged;
// it is left as it is), kInvalidArgument (check_engines(), keep_partitions()), kDiskFull, kIo, and with
// what given ports fail with.
Result<std::unique_ptr<EmbeddedStores>> open_ports(const std::string& dir, const ServerPorts& given,
                                                   Scheduler& loop, bool search,
                                                   std::uint32_t partitions,
                                                   const PartitionLoops& loops);
// The same with embedded adapters alone, all on one executor, without registry and bus: nobody connects.
Result<std::unique_ptr<EmbeddedStores>> open_embedded(const std::string& dir, Executor& executor,
                                                      std::uint32_t partitions = 1);

}  // namespace kith::server
