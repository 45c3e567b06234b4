// Goodbyes ends sessions: it sends the reason, closes the connection, and takes the session out of all lists.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "server/gateway/registration.h"
#include "server/gateway/session_output.h"

namespace kith::server {

struct Farewell {
  int reason = 0;  // v1::GoodbyeReason
  std::uint16_t code = close_code::kNormal;
  std::uint32_t retry_after_ms = 0;
  std::string detail{};
};

class Goodbyes {
 public:
  struct Ports {
    Sessions& sessions;
    SessionOutput& output;
    SessionReading& reading;
    Dispatcher& dispatcher;
    Registration& registration;
    Connections& connections;
  };
  // All must outlive it.
  explicit Goodbyes(const Ports& ports) : ports_(ports) {}

  // Does nothing if the session is already ending.
  void end(Session& session, const Farewell& farewell);
  void end_slow(Session& session);
  // Answers the request with kProtocol, and ends the session.
  void end_protocol_error(Session& session, std::uint64_t req_id, const std::string& detail);
  // Ends the sessions of a user: of one device or all, but not of `spared`.
  void end_revoked(const UserId& user, const DeviceId* device, const DeviceId* spared = nullptr);
  // Takes the session out of the registry and the lists; the socket may still be closing.
  void leave(Session& session);

  void add_stats(std::map<std::string, std::uint64_t>& into) const;

 private:
  const Ports ports_;
  std::uint64_t protocol_errors_ = 0;
  std::uint64_t slow_ = 0;
};

}  // namespace kith::server
