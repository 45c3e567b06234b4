// EarlyRequests handles the requests of a connection before its session is ready: Ping, Register, SignIn and Hello,
// each a limited number of times.
#pragma once

#include <cstdint>
#include <memory>

#include "server/gateway/answer_sink.h"
#include "server/gateway/session_opening.h"
#include "src/guard.h"

namespace kith::v1 {
class ClientFrame;
class SignedIn;
}  // namespace kith::v1

namespace kith::server {

class EarlyRequests {
 public:
  struct Ports {
    Sessions& sessions;
    Deadlines& deadlines;
    Goodbyes& goodbyes;
    Dispatcher& dispatcher;
    SessionOpening& opening;
    Scheduler& scheduler;
    const std::shared_ptr<AnswerSink>& sink;
  };
  // All must outlive it.
  explicit EarlyRequests(const Ports& ports) : ports_(ports) {}

  // True for Hello, Register and SignIn, which a ready session must not send.
  static bool begins_session(const v1::ClientFrame& frame);

  // Handles a frame, other than Goodbye, of a session that is not ready.
  void handle(Session& session, const v1::ClientFrame& frame);

 private:
  // Counts one of the few sign-ins of a connection; false: it was one too many.
  bool attempt(Session& session, std::uint64_t req_id);
  void ping(Session& session, const v1::ClientFrame& frame);
  void enter(Session& session, const v1::ClientFrame& frame);
  void entered(std::uint64_t id, const Reply& reply, Result<v1::SignedIn> answer);
  [[nodiscard]] Reply replier(const Session& session, std::uint64_t req_id) const;

  const Ports ports_;
  Guard guard_;
};

}  // namespace kith::server
