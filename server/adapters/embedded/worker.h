// One thread that runs the tasks it is given in order: where an embedded adapter may block on its
// disk.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace kith::server {

// A thread with a name of at most 15 bytes, as top and perf show it. Signals are blocked on it: they
// stay the host's.
std::thread start_quiet_thread(const char* name, std::function<void()> body);

// For threads whose work nobody waits for: from now on the calling thread has the lowest weight that there is.
// Where threads have none of their own (other than Linux) it does nothing.
void yield_to_all_others();

class Worker {
 public:
  explicit Worker(const char* thread_name);
  // Runs what was given and joins.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Threads: any. The number of waiting tasks is bounded by those who call: sessions have a limited
  // number of requests in
  // flight and the store is filled behind a bounded lag.
  void run(std::function<void()> task);
  void stop();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kith::server
