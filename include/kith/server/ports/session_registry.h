// SessionRegistry knows which sessions of a user are connected, and to which gateway. It is a hint,
// rebuilt by the gateways: losing it costs latency, never messages.
//
// Keeps:    sessions from add() until remove() or remove_gateway(); they need not survive the process.
// Order:    a lookup() sees every add() and remove() before it, and lookups are answered in the order of
//           their calls: pushes leave in the order of the answers.
// Sets:     adding a session again, or removing one that is not there, changes nothing.
// Threads:  methods and callbacks on the loop of the server, one callback for each lookup. Callbacks may
//           run inside the call; none runs after the destructor or in it.
// Blocking: no call; all return at once.
// Bounds:   limits::account_devices_max sessions of a user; the server ends further ones.
// Failure:  add() and remove() return nothing; an adapter retries them itself. If lookup() fails, the
//           user's devices get no push and fetch the event when they sync.
// Proof:    kith/conformance/session_registry_suite.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kith/core/done.h"
#include "kith/core/export.h"
#include "kith/core/ids.h"

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
  // Returns the same at once if it is in memory, valid until the next call. Null: use lookup().
  [[nodiscard]] virtual const std::vector<SessionRef>* at_hand(const UserId& user) const {
    (void)user;
    return nullptr;
  }
  // Forgets all sessions of a gateway (its lease ran out).
  virtual void remove_gateway(const std::string& gateway) = 0;
};

}  // namespace kith::server
