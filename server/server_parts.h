// ServerParts are what a server has on its loops: stores, core and listener, opened together and closed in reverse.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kith/server/options.h"
#include "kith/server/ports/server_ports.h"
#include "server/adapters/embedded/embedded.h"
#include "server/gateway/listener_lws.h"
#include "server/health/service_health.h"
#include "server/late_connections.h"
#include "server/server_core.h"
#include "server/server_loops.h"

namespace kith::server {

// All methods but open(), close() and ask() on the first loop.
class ServerParts {
 public:
  // `health` outlives this.
  explicit ServerParts(ServiceHealth& health) : health_(health) {}

  // Starts the loops; from any thread, as ask().
  void start(std::uint32_t loops) { loops_.start(loops); }
  // Opens everything that `options` and `given` say, and sets the secrets in `options`. `each_second` is called from
  // then on.
  Status open(ServerOptions& options, const ServerPorts& given, std::function<void()> each_second);
  // Everything ends but the first loop.
  void close();
  // The first loop ends.
  void stop() { loop_.stop(); }

  [[nodiscard]] LoopUv& loop() const { return loop_; }
  // These are null before open() and after close().
  [[nodiscard]] ServerCore* core() const { return core_.get(); }
  [[nodiscard]] ListenerLws* listener() const { return listener_.get(); }
  [[nodiscard]] EmbeddedStores* stores() const { return stores_.get(); }

  // Calls the core on the loop, and waits for its answer; not on the loop's own thread. Errors: the call's, kClosed,
  // kTimeout.
  using CoreCall = std::function<void(ServerCore&, Done<void> done)>;
  Status ask(CoreCall call);
  void add_stats(std::map<std::string, std::uint64_t>& into) const;
  // Adds what add_stats() has, and how long things take.
  void add_metrics(MetricsText& into) const;

 private:
  Status open_stores(ServerOptions& options, const ServerPorts& given);
  Status open_listener(const ServerOptions& options);
  void beat();

  ServiceHealth& health_;
  std::function<void()> each_second_;
  // In the order of their making.
  mutable ServerLoops loops_;
  LoopUv& loop_ = loops_.first();
  Scheduler::TimerId beat_timer_ = 0;
  std::unique_ptr<EmbeddedStores> stores_;
  std::unique_ptr<PasswordHasher> passwords_;
  LateConnections connections_;
  std::unique_ptr<ServerCore> core_;
  std::unique_ptr<ListenerLws> listener_;
};

}  // namespace kith::server
