// Registration keeps the sessions of a gateway in the registry: it adds each before its Welcome, and again while that
// fails or when the registry has lost them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "kith/server/ports/session_registry.h"
#include "server/gateway/resync_bell.h"
#include "src/guard.h"
#include "src/timer.h"

namespace kith::server {

class Registration {
 public:
  struct Ports {
    const std::string gateway;  // its name on the bus and in the registry
    Sessions& sessions;
    SessionOutput& output;
    SessionRegistry& registry;
    Scheduler& scheduler;
    Random& random;
  };
  // All must outlive it.
  explicit Registration(const Ports& ports);
  ~Registration();

  // Adds a session that is ready. Calls `welcome` once, unless the session ends before: when the registry has it, or
  // has failed, or has not answered for limits::registration_wait. In the last two cases the device is notified when
  // the registry has it: it may have missed pushes in between.
  void enter(Session& session, std::function<void()> welcome);
  void leave(const Session& session);
  // The bus has lost deliveries, which may have left no mark in anybody's feed: all devices are notified.
  void bus_lost();

  [[nodiscard]] const std::string& gateway() const { return ports_.gateway; }
  void add_stats(std::map<std::string, std::uint64_t>& into) const;

 private:
  struct Waiting {
    std::function<void()> welcome;
    Scheduler::TimerId limit = 0;
  };
  using Entry = std::pair<std::int64_t, std::uint64_t>;  // when, and which session

  void add(Session& session);
  void added(std::uint64_t id, bool ok);
  void greet(std::uint64_t id);
  void failed(Session& session);
  void lost();
  void again(Session& session, std::int64_t at_ms);
  void arm();
  void step();
  [[nodiscard]] SessionRef ref(const Session& session) const;

  const Ports ports_;
  ResyncBell bell_;
  std::unordered_map<std::uint64_t, Waiting> waiting_;  // for Welcome
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> again_;
  Timer timer_;
  std::int64_t armed_ms_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t losses_ = 0;
  std::uint64_t bus_losses_ = 0;
  Guard guard_;
};

}  // namespace kith::server
