// SessionRequests answers requests of a ready session about itself: Ping, RenewToken, its presence, its account.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/gateway/answer_sink.h"
#include "server/gateway/goodbyes.h"
#include "src/guard.h"

namespace kith::v1 {
class ChangePassword;
class Ping;
class SyncRequest;
}  // namespace kith::v1

namespace kith::server {

class SessionRequests : public FrontDoor {
 public:
  struct Ports {
    Sessions& sessions;
    Deadlines& deadlines;
    Goodbyes& goodbyes;
    Dispatcher& dispatcher;
    Scheduler& scheduler;
    const std::shared_ptr<ReplySink> sink;
  };
  // All must outlive it.
  explicit SessionRequests(const Ports& ports) : ports_(ports) {}

  bool handle(Requester& who, v1::ClientFrame& frame, Reply& reply) override;
  [[nodiscard]] const std::shared_ptr<ReplySink>& sink() const override { return ports_.sink; }

 private:
  static void claim_history(Session& session, v1::SyncRequest& request);
  void ping(Session& session, const v1::Ping& ping, const Reply& reply);
  void set_background(Session& session, bool background);
  void renew(Session& session, const std::string& token, const Reply& reply);
  void change_password(Session& session, const v1::ChangePassword& request, const Reply& reply);
  void delete_account(Session& session, const std::string& password, const Reply& reply);
  void admit(Session& session, const Admission& admission);

  const Ports ports_;
  Guard guard_;
};

}  // namespace kith::server
