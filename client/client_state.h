// ClientState: what the threads of one client share: whether it is open, the calls and subscriptions that are, and what
// callers wait for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "client/callbacks.h"
#include "kith/client/types.h"
#include "kith/core/executor.h"
#include "src/loop/loop_uv.h"

namespace kith::client {

// The answer to a call when the client is closed.
Error closed_error();

// Any thread. Subscriptions, token answers and pending calls reach it by a weak pointer: they may outlive the client.
class ClientState {
 public:
  explicit ClientState(std::shared_ptr<Executor> executor) : executor_(std::move(executor)) {}

  // The application's callbacks run there.
  [[nodiscard]] Executor& executor() { return *executor_; }
  void open(LoopUv& loop);
  // Runs `task` on the loop unless the client is closed; never waits for it.
  bool post(std::function<void()> task);

  // --- calls that are answered once ---
  std::uint64_t new_id();
  // Posts the start of a call, which close() cancels from then on: in one step, because a close in
  // between would cancel a call that is then refused too.
  bool post_call(std::uint64_t id, std::function<void()> cancel, std::function<void()> start);
  [[nodiscard]] bool pending(std::uint64_t id);
  // The answer to a call, unless it has been cancelled.
  void answer(std::uint64_t id, const std::function<void()>& call);

  // --- subscriptions ---
  // Ends the slot at once if the client is closed.
  std::uint64_t add(const std::shared_ptr<CallbackSlot>& slot);
  void remove(std::uint64_t id);

  // --- what callers wait for ---
  void set_connection(ConnectionState state, const Error& reason);
  [[nodiscard]] ConnectionState connection();
  void set_outbox_idle(bool idle);
  Status wait_online(std::chrono::milliseconds limit);
  Status wait_sent(std::chrono::milliseconds limit);

  // --- closing ---
  struct Open {
    std::map<std::uint64_t, std::shared_ptr<CallbackSlot>> slots;
    std::map<std::uint64_t, std::function<void()>> cancels;  // one for each call
  };
  // Closes it for everybody and returns what was open. Nothing: another thread closes, or has closed; then this returns
  // when that is done.
  std::optional<Open> begin_close();
  // Returns when no answer runs in the application any more, unless this is inside of one.
  void wait_for_answers();
  void end_close();

 private:
  const std::shared_ptr<Executor> executor_;
  std::mutex mutex_;
  std::condition_variable changed_;
  LoopUv* loop_ = nullptr;  // null once closed
  Open open_;
  std::uint64_t next_id_ = 1;
  int answering_ = 0;     // answers to calls that run in the application right now
  bool closing_ = false;  // a close() is under way
  ConnectionState connection_ = ConnectionState::kOffline;
  Error reason_{ErrorCode::kCancelled, ""};
  bool outbox_idle_ = true;
};

}  // namespace kith::client
