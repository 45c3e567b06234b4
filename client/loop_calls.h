// LoopCalls: brings calls of the application to the loop, and answers and callbacks back to its executor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "client/callbacks.h"
#include "client/client_state.h"
#include "client/loop_side.h"
#include "client/runtime.h"
#include "kith/client/client.h"

namespace kith::client {

// Any thread.
class LoopCalls {
 public:
  explicit LoopCalls(const ClientOptions& options);
  ~LoopCalls() { close(); }
  LoopCalls(const LoopCalls&) = delete;
  LoopCalls& operator=(const LoopCalls&) = delete;

  Status open(ClientOptions options, Endpoint endpoint);
  // See Client.
  void close();
  [[nodiscard]] ClientState& state() const { return *state_; }

  // Runs on the loop and waits for it: what it commits is durable when this returns. `f` takes the LoopSide and returns
  // a Result<T>; kClosed once the client is closed.
  template <class T, class F>
  Result<T> on_loop(F f) {
    std::optional<Result<T>> result;
    runtime_->loop.run_sync([&] {
      if (side_->engine()) result = f(*side_);
    });
    return result ? std::move(*result) : Result<T>(closed_error());
  }
  // The same with the engine.
  template <class T, class F>
  Result<T> call(F f) {
    return on_loop<T>([&](LoopSide& side) { return f(*side.engine()); });
  }
  // The same for what only reads or only does something.
  template <class T, class F>
  T read(F f, T otherwise = {}) {
    return call<T>([&](Engine& e) { return Result<T>(f(e)); }).value_or(std::move(otherwise));
  }
  template <class F>
  void run(F f) {
    (void)call<void>([&](Engine& e) {
      f(e);
      return Status();
    });
  }

  // Starts something whose answer comes once, on the executor, also if the client is closed first.
  template <class T, class F>
  void ask(Done<T> done, F start) {
    const std::uint64_t id = state_->new_id();
    Done<T> reply = [state = std::weak_ptr<ClientState>(state_), id, done](Result<T> result) {
      const auto there = state.lock();
      if (!there || !there->pending(id)) return;  // cancelled
      there->executor().post([state, id, done, result = std::move(result)] {
        if (const auto still = state.lock()) still->answer(id, [&] { done(result); });
      });
    };
    const bool posted = state_->post_call(
        id, [done] { done(make_error(ErrorCode::kCancelled, "the client was closed")); },
        [side = std::weak_ptr<LoopSide>(side_), start, reply] {
          const auto there = side.lock();
          if (there && there->engine()) start(*there->engine(), reply);
        });
    if (!posted) {
      state_->executor().post([done] {
        const InCallback here;
        done(closed_error());
      });
    }
  }

  // `add(side, id, sink)` runs on the loop; what it gives the sink reaches `callback` on the executor, until the
  // subscription ends.
  template <class T, class Add>
  std::unique_ptr<Subscription> subscribe(std::function<void(const T&)> callback, Add add) {
    auto slot = std::make_shared<CallbackSlot>();
    const std::uint64_t id = state_->add(slot);
    const auto sink = [state = std::weak_ptr<ClientState>(state_), slot,
                       callback = std::make_shared<std::function<void(const T&)>>(
                           std::move(callback))](const T& value) {
      const auto there = state.lock();
      if (!there) return;
      there->executor().post([slot, callback, value] { slot->run([&] { (*callback)(value); }); });
    };
    runtime_->loop.run_sync([&] {
      if (side_->engine()) add(*side_, id, sink);
    });
    return subscription(id, slot);
  }

 private:
  std::unique_ptr<Subscription> subscription(std::uint64_t id, std::shared_ptr<CallbackSlot> slot);
  TokenProvider on_executor(TokenProvider token);
  void cancel(std::map<std::uint64_t, std::function<void()>> cancels);

  std::shared_ptr<RuntimeUv> runtime_;
  std::shared_ptr<ThreadExecutor> own_executor_;  // null: the application's
  std::shared_ptr<ClientState> state_;
  std::shared_ptr<LoopSide> side_;
};

}  // namespace kith::client
