// SessionOpening turns a connection into a ready session: from Hello, through the admission, to Welcome.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kith/core/random.h"
#include "kith/server/options.h"
#include "server/gateway/goodbyes.h"
#include "server/gateway/hand_over.h"
#include "server/gateway/registration.h"
#include "server/records/run_history.h"
#include "src/guard.h"

namespace kith::v1 {
class ClientFrame;
class Welcome;
}  // namespace kith::v1

namespace kith::server {

class SessionOpening {
 public:
  struct Ports {
    Sessions& sessions;
    Deadlines& deadlines;
    SessionReading& reading;
    Goodbyes& goodbyes;
    Dispatcher& dispatcher;
    Registration& registration;
    Connections& connections;
    Scheduler& scheduler;
    Random& random;
    const RunHistory* runs = nullptr;  // null: every device's history counts as ours
    Home home{};
    std::function<void(Session&)> forget{};  // a session whose connection has gone
  };
  // All must outlive it.
  SessionOpening(const ServerOptions& options, const Ports& ports);

  [[nodiscard]] HandOver& hand_over() { return hand_over_; }
  // `frame` has a Hello.
  void hello(Session& session, const v1::ClientFrame& frame, Reply reply);

  // Sessions replaced by a later one of their device.
  [[nodiscard]] std::uint64_t replaced() const { return replaced_; }

 private:
  struct Greeting;
  using GreetingPtr = std::shared_ptr<const Greeting>;

  void judged(std::uint64_t id, GreetingPtr greeting, Reply reply,
              const Result<Admission>& admission, EntryRequests::Connection then);
  void refused(Session& session, const Reply& reply, const Error& error,
               EntryRequests::Connection then);
  // Returns false if `session` was opened before another one of the same device: it ends, or is refused.
  bool replace_older(Session& session, const Reply& reply, const Admission& admission);
  void make_room(const UserId& user);
  void registered(std::uint64_t id, GreetingPtr greeting, Reply reply);
  void welcome(std::uint64_t id, const Greeting& greeting, const Reply& reply,
               FeedVersion feed_high);
  void fill(v1::Welcome& welcome, const Session& session, const Greeting& greeting);

  const Ports ports_;
  const bool search_;
  const std::uint32_t heartbeat_s_;
  HandOver hand_over_;
  std::uint64_t replaced_ = 0;
  Guard guard_;
};

}  // namespace kith::server
