// SessionRegistry knows which sessions of a user are connected, and to which gateway. It is a hint,
// rebuilt by the gateways: losing it costs latency, never messages.
//
// Keeps:    sessions from add() until remove() or remove_gateway(); nothing of it needs to last.
// Order:    a lookup() sees what was added and removed before it, and lookups are answered in the order
//           of their calls: pushes go out in the order in which they are answered.
// Sets:     adding a session again, or removing one that is not there, changes nothing.
// Threads:  methods and callbacks on the loop of the server, one callback for each lookup. Callbacks may
//           come inside the call; none comes after or from the destructor.
// Blocking: no call; all return at once.
// Bounds:   limits::account_devices_max sessions of a user: the server ends those that are more.
// Failure:  add() and remove() have no answer; an adapter repeats them itself. If lookup() fails the
//           user's devices hear nothing of this push, and fetch it when they sync.
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
  // The same, where the answer is at hand: valid until the next call. Null: lookup() has to be asked.
  [[nodiscard]] virtual const std::vector<SessionRef>* at_hand(const UserId& user) const {
    (void)user;
    return nullptr;
  }
  // Forgets all sessions of a gateway (its lease ran out).
  virtual void remove_gateway(const std::string& gateway) = 0;
};

}  // namespace kith::server
