// Scheduler: the event loop that a part of Kith runs on, with its clock and its timers; libuv in production,
// virtual time in the simulation. A server passes its own to the engines that it is started with
// (kith/server/ports/server_ports.h), and they call back on it.
#pragma once

#include <cstdint>
#include <functional>

#include "kith/core/executor.h"
#include "kith/core/export.h"
#include "kith/core/time.h"

namespace kith {

class KITH_API Scheduler : public Executor {
 public:
  using TimerId = std::uint64_t;  // 0 = none

  virtual Clock& clock() = 0;

  // post() may be called from any thread; it runs its task on the loop.

  // Runs `task` once on the loop, after `delay` on the monotonic clock or later. Loop thread
  // only.
  virtual TimerId after(Millis delay, std::function<void()> task) = 0;
  // Cancels a timer; does nothing if it has fired or id is 0. Loop thread only.
  virtual void cancel(TimerId id) = 0;
};

}  // namespace kith
