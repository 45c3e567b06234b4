// MemoryBatches: how a store in memory writes its batches and answers its reads: in order, late and with faults
// where a test wants them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "kith/core/done.h"
#include "kith/core/scheduler.h"
#include "kith/core/time.h"
#include "src/guard.h"

namespace kith::server {

// The faults of the device that a disk in memory stands for.
struct MemoryFaults {
  struct ApplyFault {
    Error error;
    bool applied = false;  // the batch was stored all the same: an unknown outcome
  };

  std::function<Millis()> apply_delay;  // null: at the next turn of the loop
  std::function<Millis()> read_delay;   // null: inside the call
  std::function<std::optional<ApplyFault>()> apply_fault;
  std::function<std::optional<Error>()> read_fault;
  // At a crash: is the batch that was just being written found stored? Null: no.
  std::function<bool()> survives_crash;
};

template <class Disk, class Batch>
class MemoryBatches {
 public:
  using Store = void (*)(Disk&, const Batch&);

  // `store` puts a batch on the disk. `scheduler` outlives this.
  MemoryBatches(std::shared_ptr<Disk> disk, Scheduler& scheduler, Store store)
      : disk_(std::move(disk)), scheduler_(scheduler), store_(store) {}
  // A crash: no callback comes any more.
  ~MemoryBatches() {
    if (!waiting_.empty() && disk_->survives_crash && disk_->survives_crash()) {
      store_(*disk_, *waiting_.front().batch);
    }
  }
  MemoryBatches(const MemoryBatches&) = delete;
  MemoryBatches& operator=(const MemoryBatches&) = delete;

  void apply(std::shared_ptr<const Batch> batch, Done<void> done) {
    waiting_.push_back({std::move(batch), std::move(done)});
    schedule();
  }
  // Answers with what `read` makes of the disk.
  template <class T, class Read>
  void answer(Done<T> done, Read read) {
    auto task = guard_.wrap([this, done = std::move(done), read = std::move(read)] {
      const auto fault = read_fault();
      done(fault ? Result<T>(*fault) : Result<T>(read(*disk_)));
    });
    if (disk_->read_delay) {
      scheduler_.after(disk_->read_delay(), std::move(task));
    } else {
      task();
    }
  }
  // The error of a read now, if there is one.
  [[nodiscard]] std::optional<Error> read_fault() const {
    return disk_->read_fault ? disk_->read_fault() : std::nullopt;
  }

 private:
  struct Waiting {
    std::shared_ptr<const Batch> batch;
    Done<void> done;
  };

  void schedule() {
    if (scheduled_ || waiting_.empty()) return;
    scheduled_ = true;
    auto task = guard_.wrap([this] { write_next(); });
    if (disk_->apply_delay) {
      scheduler_.after(disk_->apply_delay(), std::move(task));
    } else {
      scheduler_.post(std::move(task));
    }
  }
  void write_next() {
    scheduled_ = false;
    const auto fault = disk_->apply_fault ? disk_->apply_fault() : std::nullopt;
    if (!fault || fault->applied) store_(*disk_, *waiting_.front().batch);
    std::deque<Waiting> answered;
    if (fault) {
      // A batch behind a failed one must not overtake its retry.
      answered.swap(waiting_);
    } else {
      answered.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    schedule();
    const Guard::Watch here = guard_.watch();  // a callback may destroy the store
    for (std::size_t i = 0; i < answered.size() && !here.gone(); ++i) {
      answered[i].done(fault ? Status(fault->error) : Status());
    }
  }

  std::shared_ptr<Disk> disk_;
  Scheduler& scheduler_;
  const Store store_;
  std::deque<Waiting> waiting_;
  bool scheduled_ = false;
  Guard guard_;
};

}  // namespace kith::server
