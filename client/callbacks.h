// Callbacks into the application: where they run and how they end.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "kith/core/executor.h"

namespace kith::client {

// Marks the thread while application code runs on it, so that a call from there never waits for
// itself.
class InCallback {
 public:
  InCallback() { ++depth(); }
  ~InCallback() { --depth(); }
  InCallback(const InCallback&) = delete;
  InCallback& operator=(const InCallback&) = delete;
  [[nodiscard]] static bool now() { return depth() > 0; }

 private:
  static int& depth();
};

// One subscription's right to call. After end() nothing runs any more; end() waits for a call that
// runs, unless it is that call.
class CallbackSlot {
 public:
  void run(const std::function<void()>& call);
  void end();

 private:
  std::mutex mutex_;
  std::condition_variable done_;
  bool active_ = true;
  bool running_ = false;
  std::thread::id thread_;
};

// The executor of those who bring none: one thread.
class ThreadExecutor : public Executor {
 public:
  static std::shared_ptr<ThreadExecutor> make();
  ~ThreadExecutor()
      override;  // runs what is posted, then joins; from its own thread: leaves it to end by itself
  void post(std::function<void()> task) override;
  [[nodiscard]] bool on_own_thread() const {
    return thread_.get_id() == std::this_thread::get_id();
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<std::function<void()>> tasks;
    bool stop = false;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
  std::thread thread_;
};

}  // namespace kith::client
