// ServerPorts: the engines of your own that a server works on, given to Server::start(options, ports).
//
//   kith::server::ServerPorts ports;
//   ports.log = [broker](kith::Scheduler& loop, std::uint32_t partition)
//       -> std::unique_ptr<kith::server::CommandLog> {
//     return std::make_unique<YourLog>(broker, partition, loop);
//   };
//   auto server = kith::server::Server::start(options, ports);
//
// The embedded engine stands in for a missing port: on the disk in ServerOptions::data_dir, in memory
// without it. An adapter is one that passes the suite of its port (kith/conformance/*_suite.h).
//
// Opening:  start() calls each function on the loop of the server, in the order of the fields; those of
//           `store` and `log` once for each partition of conversations (ServerOptions::partitions),
//           from 0 on, all stores before all logs. It may block, and throws nothing. Its error is the
//           error of start(), but for `search`: the server then runs without, and says search_failing.
// Lifetime: the server owns what is opened. stop() destroys it on its loop, in reverse order, when
//           nothing calls it any more; the Scheduler outlives it. Callbacks that wait then are dropped,
//           and never called, from the destructor neither. An engine that several servers share, or
//           that outlives them, gives each server a handle of its own.
// Threads:  the server calls a port on the loop that it was opened with, and nowhere else; calls that
//           their headers do not name as blocking must return at once. A port with threads of its own
//           calls back by Scheduler::post(); after() and cancel() are for the loop. The destructor ends
//           its threads: nothing is posted afterwards.
//           With ServerOptions::loops above 1 the log and the store of a partition get the loop that
//           owns the partition, and all others the first one. They are still opened on the first one,
//           and asked there where they end; that is over before the partition's loop knows them. They
//           are destroyed there when the partition's loop does not run any more. So a constructor must
//           not call after(), and what two partitions share must bear two threads.
// Writers:  one server at a time works on a log and a store. Two of them at once lose messages, and
//           nothing here prevents it. In a shared log (CommandLog::appender()) the one that took it over
//           last goes on and the other refuses; feeds, presence and pushes still need a single server.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "kith/core/result.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/directory.h"
#include "kith/server/ports/feed_store.h"
#include "kith/server/ports/search_index.h"
#include "kith/server/ports/session_registry.h"

namespace kith::server {

template <class Port>
using OpenPort = std::function<Result<std::unique_ptr<Port>>(Scheduler& loop)>;
// The port of one partition of conversations, numbered from 0.
template <class Port>
using OpenPartition =
    std::function<Result<std::unique_ptr<Port>>(Scheduler& loop, std::uint32_t partition)>;

// Each may be empty.
struct ServerPorts {
  // These last. Without a data_dir the four are given together or not at all: an embedded one in
  // memory would forget what the others know.
  OpenPartition<ConversationStore> store;
  OpenPartition<CommandLog> log;
  OpenPort<FeedStore> feed;
  OpenPort<Directory> directory;
  // These are made again when they are lost. `search` is not opened if ServerOptions::search is off.
  OpenPort<SearchIndex> search;
  OpenPort<SessionRegistry> registry;
  OpenPort<Bus> bus;
};

}  // namespace kith::server
