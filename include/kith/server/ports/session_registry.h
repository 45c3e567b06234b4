// SessionRegistry knows which sessions of a user are connected, and to which gateway. It is a hint,
// rebuilt by the gateways: losing it costs latency, never messages.
//
// Threads: on the executor of the services. Callbacks may come inside the call.
// Proof:   tests/conformance/session_registry_suite.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/export.h"
#include "kith/core/ids.h"
#include "kith/server/ports/conversation_store.h"  // Done

namespace kith::server {

// Names one session for good: a late removal of an old session cannot remove a newer one.
struct SessionRef {
  std::string gateway;
  std::uint64_t session = 0;  // unique within the gateway's lifetime
  DeviceId device;
  friend bool operator==(const SessionRef&, const SessionRef&) = default;
};

class KITH_API SessionRegistry {
 public:
  virtual ~SessionRegistry() = default;
  virtual void add(const UserId& user, const SessionRef& session) = 0;
  virtual void remove(const UserId& user, const SessionRef& session) = 0;
  virtual void lookup(const UserId& user, Done<std::vector<SessionRef>> done) = 0;
  // The same, where the answer is at hand: valid until the next call. Null: lookup() has to be asked.
  [[nodiscard]] virtual const std::vector<SessionRef>* at_hand(const UserId& user) const {
    (void)user;
    return nullptr;
  }
  // Forgets all sessions of a gateway (its lease ran out).
  virtual void remove_gateway(const std::string& gateway) = 0;
};

}  // namespace kith::server
