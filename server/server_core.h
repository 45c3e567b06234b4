// ServerCore: gateway and services joined, without any I/O. Server (server.cc) gives it sockets, a
// libuv loop and SQLite; the simulation gives it virtual ones. Everything runs on one Scheduler, but for
// partitions that have a loop of their own.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/random.h"
#include "kith/core/result.h"
#include "kith/core/scheduler.h"
#include "kith/server/options.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/command_log.h"
#include "kith/server/ports/conversation_store.h"
#include "kith/server/ports/directory.h"
#include "kith/server/ports/feed_store.h"
#include "kith/server/ports/search_index.h"
#include "kith/server/ports/session_registry.h"
#include "server/auth/password_hasher.h"
#include "server/conversation/store_pace.h"
#include "server/dispatch/loop_partition.h"
#include "server/gateway/listener.h"
#include "server/health/service_health.h"
#include "server/metrics_text.h"
#include "server/presence/presence_service.h"
#include "server/records/run_history.h"
#include "server/search/search_feeder.h"
#include "server/users/home.h"

namespace kith::server {

// The engines of one partition of conversations, and the loop that it is on.
struct PartitionPorts {
  CommandLog& log;
  ConversationStore& store;
  std::optional<SideLoop> loop{};  // none: the loop of the core
};

// Makes a partition of conversations that is in another process.
using MakePartition = std::function<std::unique_ptr<Partition>(const PartitionFront& front)>;

// The ports of a core; all must outlive it.
struct CorePorts {
  std::vector<PartitionPorts> partitions;  // at least one, unless all are elsewhere
  FeedStore& feed;
  Directory& directory;
  SessionRegistry& registry;
  Bus& bus;
  PasswordHasher& passwords;
  SearchIndex* search = nullptr;  // none: nobody can search
  IndexStep index_step{};
  const RunHistory* runs = nullptr;        // null: every device's history counts as ours
  ServiceHealth* health = nullptr;         // what fails is noted there; may be null
  std::vector<MakePartition> elsewhere{};  // in place of `partitions`
  // The first of several homes brings the index up to date for all.
  Home home{};
  PresencePeers* peers = nullptr;  // of the other homes
};

class ServerCore : public ConnectionHandler {
 public:
  // `options` as in ServerOptions; socket, TLS and data_dir fields are ignored here. `secret` must
  // be set.
  static std::unique_ptr<ServerCore> make(const ServerOptions& options, const CorePorts& ports,
                                          Scheduler& scheduler, Random& random,
                                          Connections& connections, const LagMarks& marks = {});

  // Replays the log from the store's applied position. Before the first on_open().
  virtual Status start() = 0;
  // See Server::drain(); `done` is called once when every session is gone or the window is over.
  virtual void drain(std::chrono::milliseconds window, std::function<void()> done) = 0;
  virtual void revoke(const UserId& user, const DeviceId* device, Done<void> done) = 0;
  // See Server.
  virtual void set_password(const UserId& user, const std::string& password, Done<void> done) = 0;
  virtual void delete_account(const UserId& user, Done<void> done) = 0;
  // Goes on with authenticator and secrets of `options`. See Server::reload(), which checks them.
  virtual void use_sign_in(const ServerOptions& options) = 0;
  [[nodiscard]] virtual std::map<std::string, std::uint64_t> stats() const = 0;
  // Adds what stats() has, and how long things take.
  virtual void add_metrics(MetricsText& to) const = 0;
  // Returns the presence of this home, for the calls of other homes.
  [[nodiscard]] virtual PresenceService& presence() = 0;
  // While it is held nothing is trimmed from the logs; `done` when that is so.
  virtual void hold_log(bool held, Done<void> done) = 0;
  // About once a second: the health gets its sign of life, and a disk that was full is tried again.
  virtual void beat() = 0;
};

}  // namespace kith::server
