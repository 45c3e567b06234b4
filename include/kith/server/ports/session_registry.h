// SessionRegistry knows which sessions of a user are connected, and to which gateway. It is a hint,
// rebuilt by the gateways: losing it costs latency, never messages.
//
// Keeps:    sessions from add() until remove() or remove_gateway(), or until it loses them (see Loss).
// Order:    a lookup() sees every remove() before it, and every add() that was answered before it. A
//           remove() ends every add() before it, also one that has no answer yet or has failed. Lookups
//           are answered in the order of their calls: pushes leave in the order of the answers.
// Sets:     adding a session again, or removing one that is not there, changes nothing.
// Loss:     if sessions of a gateway may be gone, its `lost` runs within 15 s, and the gateway adds all of
//           its sessions again. From the beginning of a registry, and from a loss on, complete() is false
//           for limits::registry_doubt.
// Threads:  methods and callbacks on the loop of the server, one callback for each add() and lookup().
//           Callbacks may run inside the call; `lost` runs outside of the calls of its gateway. None runs
//           after the destructor or in it, and no `lost` after remove_gateway().
// Blocking: no call; all return at once.
// Bounds:   limits::account_devices_max sessions of a user; the server ends further ones.
// Failure:  a failed add() may have taken effect; the gateway repeats it with growing pauses. remove()
//           returns nothing; an adapter retries it itself. If lookup() fails, the user's devices get no
//           push and fetch the event when they sync.
// Proof:    kith/conformance/session_registry_suite.h.
#pragma once

#include <cstdint>
#include <functional>
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
  // Announces a gateway, before its first session: `lost` tells it to add its sessions again.
  virtual void add_gateway(const std::string& gateway, std::function<void()> lost) = 0;
  // Ends the gateway, and forgets all of its sessions.
  virtual void remove_gateway(const std::string& gateway) = 0;
  virtual void add(const UserId& user, const SessionRef& session, Done<void> done) = 0;
  virtual void remove(const UserId& user, const SessionRef& session) = 0;
  virtual void lookup(const UserId& user, Done<std::vector<SessionRef>> done) = 0;
  // Returns the same at once if it is in memory, valid until the next call; changes by other processes may be missing
  // for 2 s. Null: use lookup().
  [[nodiscard]] virtual const std::vector<SessionRef>* cached(const UserId& user) const {
    (void)user;
    return nullptr;
  }
  // False while gateways may still add sessions that it has lost. Somebody without a session is then not known to be
  // away: send them no notification outside of Kith.
  [[nodiscard]] virtual bool complete() const = 0;
};

}  // namespace kith::server
