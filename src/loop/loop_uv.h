// The event loop of production: a Scheduler on libuv that owns one thread. The only I/O in src/,
// kept in a target of its own (kith_loop) because client and server both need it and must not
// include each other.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "kith/core/scheduler.h"

struct uv_loop_s;

namespace kith {

class LoopUv : public Scheduler {
 public:
  LoopUv();
  ~LoopUv() override;  // stop()
  LoopUv(const LoopUv&) = delete;
  LoopUv& operator=(const LoopUv&) = delete;

  // Runs the loop on a thread of its own until stop(). All signals are blocked on that thread: they
  // stay the host's.
  void start();
  // Runs the tasks posted so far, ends the loop and joins its thread. Idempotent. Not from the loop
  // thread.
  void stop();
  // Runs `task` on the loop thread and waits for it; runs it in place if this is the loop thread or
  // the loop has stopped.
  void run_sync(const std::function<void()>& task);
  [[nodiscard]] bool on_loop_thread() const;

  Clock& clock() override;
  void post(std::function<void()> task) override;
  TimerId after(Millis delay, std::function<void()> task) override;
  void cancel(TimerId id) override;

  // Calls the hook at the end of each loop turn, after all I/O callbacks, to flush gathered output.
  // Loop thread. Returns a handle for remove_turn_end().
  std::uint64_t at_turn_end(std::function<void()> task);
  void remove_turn_end(std::uint64_t handle);

  // Executor for tasks that belong to this turn: they run in order, right before the hooks of at_turn_end(), so
  // that their output leaves in the same turn. Posted on the loop thread they cost no wake-up.
  Executor& soon();

  uv_loop_s* uv();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kith
