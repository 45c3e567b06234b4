// Callbacks into the application: slots and the default thread.
#include "client/callbacks.h"

#include <csignal>

#include "kith/core/limits.h"

namespace kith::client {

int& InCallback::depth() {
  thread_local int depth = 0;
  return depth;
}

void CallbackSlot::run(const std::function<void()>& call) {
  std::unique_lock lock(mutex_);
  if (!active_) return;
  running_ = true;
  thread_ = std::this_thread::get_id();
  lock.unlock();
  {
    const InCallback here;
    call();
  }
  lock.lock();
  running_ = false;
  done_.notify_all();
}

void CallbackSlot::end() {
  std::unique_lock lock(mutex_);
  active_ = false;
  if (thread_ == std::this_thread::get_id()) return;
  done_.wait_for(lock, limits::close_limit, [this] { return !running_; });
}

std::shared_ptr<ThreadExecutor> ThreadExecutor::make() {
  auto executor = std::make_shared<ThreadExecutor>();
  sigset_t all;
  sigset_t old;
  sigfillset(&all);  // signals stay the host's
  pthread_sigmask(SIG_SETMASK, &all, &old);
  executor->thread_ = std::thread([state = executor->state_] {
    std::unique_lock lock(state->mutex);
    while (true) {
      state->wake.wait(lock, [&] { return state->stop || !state->tasks.empty(); });
      if (state->tasks.empty()) return;
      auto task = std::move(state->tasks.front());
      state->tasks.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    }
  });
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  return executor;
}

ThreadExecutor::~ThreadExecutor() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stop = true;
  }
  state_->wake.notify_all();
  if (!thread_.joinable()) return;
  if (thread_.get_id() == std::this_thread::get_id()) {
    thread_.detach();
  } else {
    thread_.join();
  }
}

void ThreadExecutor::post(std::function<void()> task) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->tasks.push_back(std::move(task));
  }
  state_->wake.notify_one();
}

}  // namespace kith::client
