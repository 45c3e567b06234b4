// Gateway owns every connection of this process. It reads frames and passes them to the dispatcher, brings pushes
// to their sockets, and ends sessions whose deadline has come. The classes that it joins hold the state and the
// rules of a session.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "kith/core/random.h"
#include "kith/core/scheduler.h"
#include "kith/server/options.h"
#include "kith/server/ports/bus.h"
#include "kith/server/ports/session_registry.h"
#include "server/dispatch/dispatcher.h"
#include "server/gateway/drain.h"
#include "server/gateway/early_requests.h"
#include "server/gateway/session_requests.h"
#include "server/records/run_history.h"
#include "src/request_view.h"
#include "src/timer.h"

namespace kith::server {

struct GatewayPorts {
  Dispatcher& dispatcher;
  SessionRegistry& registry;
  Bus& bus;
  Scheduler& scheduler;
  Random& random;
  Connections& connections;
  const RunHistory* runs = nullptr;
  Home home{};
};

class Gateway : public ConnectionHandler {
 public:
  // `name` is the gateway's name on the bus and in the registry.
  Gateway(std::string name, const ServerOptions& options, const GatewayPorts& ports);
  ~Gateway() override;

  void on_open(ConnectionId id, const PeerInfo& peer) override;
  void on_message(ConnectionId id, std::string_view message) override;
  void on_drained(ConnectionId id) override;
  void on_close(ConnectionId id) override;

  // Pushes of a partition may be lost: sessions sync, as when the bus has lost something.
  void pushes_lost() { registration_.bus_lost(); }
  // Ends all sessions, evenly over `window`; calls `done` once, when all are gone or the window is
  // over.
  void drain(std::chrono::milliseconds window, std::function<void()> done) {
    drain_.start(window, std::move(done));
  }
  // Ends the sessions of a user: of one device or all, but not of `spared`.
  void end_revoked(const UserId& user, const DeviceId* device, const DeviceId* spared = nullptr) {
    goodbyes_.end_revoked(user, device, spared);
  }
  [[nodiscard]] bool online(const UserId& user, const DeviceId& device) const {
    return sessions_.online(user, device);
  }
  // Admission::token_id of a session; empty if it is gone.
  [[nodiscard]] std::string token_of(std::uint64_t session) const;

  [[nodiscard]] std::size_t sessions() const { return sessions_.size(); }
  void add_stats(std::map<std::string, std::uint64_t>& into) const;

 private:
  void in_session(Session& session, v1::ClientFrame& frame, std::size_t bytes);
  // Applies the dispatcher's verdict.
  void apply(Session& session, std::uint64_t req_id, const Verdict& verdict);
  void deliver(const Delivery& delivery);
  // Its connection has gone.
  void forget(Session& session);
  void tick();

  const GatewayPorts ports_;
  RequestView view_;  // the request being read; reuses its memory
  Sessions sessions_;
  Deadlines deadlines_;
  SessionReading reading_;
  SessionOutput output_;
  Registration registration_;
  Goodbyes goodbyes_;
  const std::shared_ptr<AnswerSink> sink_;
  SessionRequests requests_;
  SessionOpening opening_;
  EarlyRequests early_;
  Drain drain_;
  Timer tick_;
  std::uint64_t frames_in_ = 0;
};

}  // namespace kith::server
