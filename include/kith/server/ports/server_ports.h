// ServerPorts: the engines of your own that a server works on, given to Server::start(options, ports).
//
//   kith::server::ServerPorts ports;
//   ports.log = [broker](kith::Scheduler& loop) -> std::unique_ptr<kith::server::CommandLog> {
//     return std::make_unique<YourLog>(broker, loop);
//   };
//   auto server = kith::server::Server::start(options, ports);
//
// The embedded engine stands in for a missing port: on the disk in ServerOptions::data_dir, in memory
// without it. An adapter is one that passes the suite of its port (kith/conformance/*_suite.h).
//
// Opening:  start() calls each function once, on the loop of the server, in the order of the fields. It
//           may block, and throws nothing. Its error is the error of start(), but for `search`: the
//           server then runs without, and says search_failing.
// Lifetime: the server owns what is opened. stop() destroys it on the loop, in reverse order, when
//           nothing calls it any more; the Scheduler outlives it. Callbacks that wait then are dropped,
//           and never called, from the destructor neither. An engine that several servers share, or
//           that outlives them, gives each server a handle of its own.
// Threads:  the server calls a port on its loop alone, and calls that their headers do not name as
//           blocking must return at once. A port with threads of its own calls back by
//           Scheduler::post(); after() and cancel() are for the loop. The destructor ends its threads:
//           nothing is posted afterwards.
// Writers:  one server at a time works on a log and a store. Two of them at once lose messages, and
//           nothing here prevents it. In a shared log (CommandLog::appender()) the one that took it over
//           last goes on and the other refuses; feeds, presence and pushes still need a single server.
#pragma once

#include <functional>
#include <memory>

#include "kith/core/result.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/directory.h"
#include "kith/server/ports/search_index.h"
#include "kith/server/ports/session_registry.h"

namespace kith::server {

template <class Port>
using OpenPort = std::function<Result<std::unique_ptr<Port>>(Scheduler& loop)>;

// Each may be empty.
struct ServerPorts {
  // These last. Without a data_dir the three are given together or not at all: an embedded one in
  // memory would forget what the others know.
  OpenPort<ConversationStore> store;
  OpenPort<CommandLog> log;
  OpenPort<Directory> directory;
  // These are made again when they are lost. `search` is not opened if ServerOptions::search is off.
  OpenPort<SearchIndex> search;
  OpenPort<SessionRegistry> registry;
  OpenPort<Bus> bus;
};

}  // namespace kith::server
