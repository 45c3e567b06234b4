// BatchThread: writes the batches of a store on a thread of their own, in their order, and answers on the
// thread of an executor.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "kith/core/done.h"
#include "kith/core/executor.h"
#include "server/adapters/embedded/breather.h"
#include "server/adapters/embedded/worker.h"

namespace kith::server {

class BatchThread {
 public:
  // Writes one batch, and calls `row_written` for each row.
  using Write = std::function<Status(const std::function<void()>& row_written)>;

  // `name`: see start_quiet_thread(). `executor` outlives this.
  BatchThread(const char* name, Executor& executor) : executor_(executor), worker_(name) {}
  // Finishes the batches that were handed over and joins; no callback comes afterwards. Thread of the executor.
  ~BatchThread() {
    *alive_ = false;
    hurry_.begin();
    worker_.stop();
  }
  BatchThread(const BatchThread&) = delete;
  BatchThread& operator=(const BatchThread&) = delete;

  // Thread of the executor. A batch that was given before its caller knew of an earlier failure must not overtake
  // the retry: it fails as well.
  void apply(std::size_t rows, Write write, Done<void> done) {
    worker_.run([this, alive = alive_, generation = generation_, rows, write = std::move(write),
                 done = std::move(done)] {
      Status written;
      if (generation <= failed_generation_) {
        written = make_error(ErrorCode::kUnavailable, "an earlier batch failed");
      } else {
        Breather breather(hurry_, rows);
        written = write([&] { breather.row_written(); });
        if (!written) failed_generation_ = generation;
      }
      executor_.post([this, alive, generation, written, done] {
        if (!*alive) return;
        if (!written) generation_ = std::max(generation_, generation + 1);
        done(written);
      });
    });
  }

 private:
  Executor& executor_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // thread of the executor
  std::uint64_t generation_ = 1;         // thread of the executor; next after each reported failure
  std::uint64_t failed_generation_ = 0;  // worker thread
  Hurry hurry_;
  Worker worker_;
};

}  // namespace kith::server
