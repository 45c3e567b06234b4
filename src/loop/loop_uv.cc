// LoopUv: a libuv loop on a thread of its own, with posted tasks, timers and an end-of-turn hook.
#include "src/loop/loop_uv.h"

#include <pthread.h>
#include <signal.h>
#include <uv.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace kith {
namespace {

// Loop turns for closing handles when the loop ends. Closing takes a handful; the bound keeps a forgotten
// handle from hanging the host.
constexpr int kDrainTurns = 256;
// Tasks of soon() may post further ones, which run in the same turn; at most this many rounds.
constexpr int kSoonRounds = 4;

// Blocks every signal of this thread while it lives, and discards a SIGPIPE raised meanwhile by a write
// to a dead socket.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  ~SignalsBlocked() {
    if (sigismember(&before_, SIGPIPE) == 0) {
      sigset_t pipe_only;
      sigemptyset(&pipe_only);
      sigaddset(&pipe_only, SIGPIPE);
      const timespec at_once{};
      while (sigtimedwait(&pipe_only, nullptr, &at_once) > 0) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

struct LoopUv::State : Executor {
  uv_loop_t loop{};
  uv_async_t wake{};
  uv_timer_t timer{};
  uv_check_t check{};
  uv_prepare_t prepare{};

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex
  std::vector<std::function<void()>> soon;    // guarded by mutex
  bool wake_pending = false;                  // guarded by mutex
  bool finished = false;                      // guarded by mutex
  std::atomic<bool> stop_asked{false};
  std::atomic<bool> running{false};
  std::atomic<std::thread::id> thread_id{};

  std::mutex thread_mutex;  // serializes start() and stop()
  std::thread thread;

  using TimerKey = std::pair<std::int64_t, TimerId>;  // due on the monotonic clock, id
  std::map<TimerKey, std::function<void()>> timers;
  std::map<TimerId, std::int64_t> due_of;
  TimerId next_timer = 1;

  std::map<std::uint64_t, std::shared_ptr<std::function<void()>>> turn_end;
  std::uint64_t next_turn_end = 1;

  // Executor of soon(). A call on the loop thread needs no wake-up: a turn ends before the loop
  // sleeps.
  void post(std::function<void()> task) override {
    const bool here = thread_id.load() == std::this_thread::get_id();
    const std::lock_guard lock(mutex);
    soon.push_back(std::move(task));
    if (here || wake_pending) return;
    wake_pending = true;
    uv_async_send(&wake);
  }

  bool run_soon() {
    std::vector<std::function<void()>> batch;
    {
      const std::lock_guard lock(mutex);
      batch.swap(soon);
    }
    for (auto& task : batch) {
      task();
      task = nullptr;
    }
    return !batch.empty();
  }

  void end_turn() {
    for (int round = 0; round < kSoonRounds && run_soon(); ++round) {
    }
    run_turn_end();
    const std::lock_guard lock(mutex);
    if (soon.empty() || wake_pending) return;
    wake_pending = true;  // the loop must not sleep while tasks of the last round wait
    uv_async_send(&wake);
  }

  // False once the thread has run its last task.
  bool enqueue(const std::function<void()>& task) {
    const std::lock_guard lock(mutex);
    if (finished) return false;
    posted.push_back(task);
    if (wake_pending) return true;
    wake_pending = true;
    uv_async_send(&wake);
    return true;
  }

  bool finish() {
    const std::lock_guard lock(mutex);
    if (posted.empty() && soon.empty()) finished = true;
    return finished;
  }

  bool run_posted() {
    std::vector<std::function<void()>> batch;
    {
      const std::lock_guard lock(mutex);
      batch.swap(posted);
      wake_pending = false;
    }
    for (auto& task : batch) {
      task();
      task = nullptr;
    }
    return !batch.empty();
  }

  void run_turn_end() {
    // Hooks may add or remove hooks: walk by key, hold the one that runs.
    std::uint64_t last = 0;
    for (auto it = turn_end.upper_bound(last); it != turn_end.end();
         it = turn_end.upper_bound(last)) {
      last = it->first;
      const auto hold = it->second;
      (*hold)();
    }
  }

  void arm() {
    if (timers.empty()) {
      uv_timer_stop(&timer);
      return;
    }
    uv_update_time(&loop);
    const std::int64_t wait = timers.begin()->first.first - system_clock().steady_ms();
    uv_timer_start(
        &timer, [](uv_timer_t* t) { static_cast<State*>(t->data)->fire(); },
        static_cast<std::uint64_t>(wait > 0 ? wait : 0), 0);
  }

  void fire() {
    const std::int64_t now = system_clock().steady_ms();
    const TimerId made_before =
        next_timer;  // a task that sets a timer of 0 ms must not starve the sockets
    while (!timers.empty() && timers.begin()->first.first <= now) {
      if (timers.begin()->first.second >= made_before) break;
      auto node = timers.extract(timers.begin());
      due_of.erase(node.key().second);
      node.mapped()();
    }
    arm();
  }

  // Lets closing handles and the last posted tasks finish. Only when no uv_run is under way.
  void drain() {
    for (int turn = 0; turn < kDrainTurns; ++turn) {
      const bool ran = run_posted() | run_soon();
      run_turn_end();
      const int alive = uv_run(&loop, UV_RUN_NOWAIT);
      if (!ran && alive == 0) break;
    }
  }
};

LoopUv::LoopUv() : state_(std::make_unique<State>()) {
  State& s = *state_;
  uv_loop_init(&s.loop);
  s.loop.data = &s;
  s.wake.data = s.timer.data = s.check.data = s.prepare.data = &s;
  uv_async_init(&s.loop, &s.wake, [](uv_async_t* a) {
    auto& state = *static_cast<State*>(a->data);
    state.run_posted();
    if (state.stop_asked) uv_stop(&state.loop);
  });
  uv_timer_init(&s.loop, &s.timer);
  uv_check_init(&s.loop, &s.check);
  uv_prepare_init(&s.loop, &s.prepare);
  // Twice a turn: after the sockets, and before the loop sleeps, so that output of timers does
  // not wait for a socket.
  uv_check_start(&s.check, [](uv_check_t* c) { static_cast<State*>(c->data)->end_turn(); });
  uv_prepare_start(&s.prepare, [](uv_prepare_t* p) { static_cast<State*>(p->data)->end_turn(); });
  uv_unref(reinterpret_cast<uv_handle_t*>(&s.check));
  uv_unref(reinterpret_cast<uv_handle_t*>(&s.prepare));
}

LoopUv::~LoopUv() {
  stop();
  const SignalsBlocked quiet;
  State& s = *state_;
  s.thread_id = std::this_thread::get_id();
  s.timers.clear();
  s.due_of.clear();
  uv_timer_stop(&s.timer);
  uv_unref(reinterpret_cast<uv_handle_t*>(&s.wake));
  s.drain();
  for (auto* handle :
       {reinterpret_cast<uv_handle_t*>(&s.wake), reinterpret_cast<uv_handle_t*>(&s.timer),
        reinterpret_cast<uv_handle_t*>(&s.check), reinterpret_cast<uv_handle_t*>(&s.prepare)}) {
    uv_close(handle, nullptr);
  }
  for (int turn = 0; turn < kDrainTurns; ++turn) {
    if (uv_loop_close(&s.loop) != UV_EBUSY) return;
    uv_run(&s.loop, UV_RUN_NOWAIT);
  }
  // A name is still being resolved on a thread of libuv, which will write to the loop when it is
  // done. Waiting for a dead resolver could take a minute: the loop's memory is left to it instead.
  (void)state_.release();
}

void LoopUv::start() {
  State& s = *state_;
  const std::lock_guard lock(s.thread_mutex);
  if (s.running || s.stop_asked) return;
  s.running = true;
  const SignalsBlocked inherited;  // the thread starts with this mask
  s.thread = std::thread([&s] {
    s.thread_id = std::this_thread::get_id();
    pthread_setname_np(pthread_self(), "kith-loop");
    if (!s.stop_asked) uv_run(&s.loop, UV_RUN_DEFAULT);
    uv_unref(reinterpret_cast<uv_handle_t*>(&s.wake));
    do {
      s.drain();
    } while (!s.finish());
    s.thread_id = std::thread::id{};
  });
}

void LoopUv::stop() {
  State& s = *state_;
  const std::lock_guard lock(s.thread_mutex);
  s.stop_asked = true;
  if (!s.thread.joinable()) return;
  uv_async_send(&s.wake);
  s.thread.join();
  s.running = false;
}

void LoopUv::run_sync(const std::function<void()>& task) {
  State& s = *state_;
  if (on_loop_thread()) {
    task();
    return;
  }
  std::mutex mutex;
  std::condition_variable done_changed;
  bool done = false;
  const bool accepted = s.running && s.enqueue([&] {
    task();
    const std::lock_guard lock(mutex);
    done = true;
    done_changed.notify_one();
  });
  if (accepted) {
    std::unique_lock lock(mutex);
    done_changed.wait(lock, [&] { return done; });
    return;
  }
  {
    const std::lock_guard ended(s.thread_mutex);
  }  // its thread may still be at its last instructions
  const SignalsBlocked quiet;
  task();
}

bool LoopUv::on_loop_thread() const {
  return state_->thread_id.load() == std::this_thread::get_id();
}

Clock& LoopUv::clock() {
  return system_clock();
}

void LoopUv::post(std::function<void()> task) {
  State& s = *state_;
  if (!s.enqueue(task)) {
    const std::lock_guard lock(s.mutex);
    s.posted.push_back(
        std::move(task));  // the destructor still runs it: closing handles may need it
  }
}

Scheduler::TimerId LoopUv::after(Millis delay, std::function<void()> task) {
  State& s = *state_;
  const TimerId id = s.next_timer++;
  const std::int64_t due = system_clock().steady_ms() + (delay.count() > 0 ? delay.count() : 0);
  s.timers.emplace(State::TimerKey{due, id}, std::move(task));
  s.due_of.emplace(id, due);
  if (s.timers.begin()->first.second == id) s.arm();
  return id;
}

void LoopUv::cancel(TimerId id) {
  State& s = *state_;
  const auto it = s.due_of.find(id);
  if (it == s.due_of.end()) return;
  s.timers.erase({it->second, id});
  s.due_of.erase(it);  // the uv timer may fire for nothing once; cheaper than rearming it
}

std::uint64_t LoopUv::at_turn_end(std::function<void()> task) {
  State& s = *state_;
  const std::uint64_t handle = s.next_turn_end++;
  s.turn_end.emplace(handle, std::make_shared<std::function<void()>>(std::move(task)));
  return handle;
}

void LoopUv::remove_turn_end(std::uint64_t handle) {
  state_->turn_end.erase(handle);
}

Executor& LoopUv::soon() {
  return *state_;
}

uv_loop_s* LoopUv::uv() {
  return &state_->loop;
}

}  // namespace kith
