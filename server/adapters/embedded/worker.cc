// One thread that runs the tasks it is given in order: where an embedded adapter may block on its
// disk.
#include "server/adapters/embedded/worker.h"

#include <pthread.h>
#ifdef __linux__
#include <sys/resource.h>
#endif

#include <csignal>
#include <utility>

namespace kith::server {
std::thread start_quiet_thread(const char* name, std::function<void()> body) {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the new thread
  std::thread thread(std::move(body));
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(thread.native_handle(), name);
  return thread;
}

void yield_to_all_others() {
#ifdef __linux__
  // On Linux a process of this call is a thread; 0 is the calling one. A weight of 15 where others have
  // 1,024, not SCHED_IDLE's 3: what it holds for a moment (malloc's lock, SQLite's) others wait for.
  constexpr int kNicest = 19;
  (void)setpriority(PRIO_PROCESS, 0, kNicest);
#endif
}

Worker::Worker(const char* thread_name)
    : thread_(start_quiet_thread(thread_name, [this] { loop(); })) {}

Worker::~Worker() {
  stop();
}

void Worker::run(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Worker::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Worker::loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds is freed without the lock
    lock.lock();
  }
}

}  // namespace kith::server
